// The registry of importers: the toolkit's, and those of user modules.

import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { MissingFileError, UsageError } from '../../errors.js';
import type { CheckpointImporter } from './importer.js';
import { IMPORTERS } from './index.js';

const ID_PATTERN = /^[a-z][a-z0-9-]{0,49}$/;

const registered: CheckpointImporter[] = [];

/** All importers, those that were registered first. */
export function importers(): readonly CheckpointImporter[] {
  return [...registered, ...IMPORTERS];
}

/**
 * Adds an importer of your own. It is asked about a file before the toolkit's.
 *
 * @throws Error when there is an importer of that id.
 */
export function registerImporter(importer: CheckpointImporter): void {
  if (importers().some(({ id }) => id === importer.id)) throw new Error(`there is an importer ${importer.id} already`);
  registered.unshift(importer);
}

/**
 * Registers the importers of user modules. Their code runs with all rights of the process: name only what you trust. An
 * importer that is already there is left as it is.
 *
 * @param modules paths or `file:` addresses of ES modules whose default export is a {@link CheckpointImporter}.
 * @throws {@link MissingFileError} when there is no such file; {@link UsageError} when it exports no importer, or one whose
 *   id another has.
 */
export async function loadImporterModules(modules: readonly string[]): Promise<void> {
  for (const module of modules) {
    const address = module.startsWith('file:') ? module : pathToFileURL(resolve(module)).href;
    const where = fileURLToPath(address);
    if (!existsSync(where))
      throw new MissingFileError({ what: 'no such module', where, remedy: 'check --importer-module' });
    const { default: importer } = (await import(address)) as { default?: CheckpointImporter };
    if (typeof importer?.open !== 'function' || !ID_PATTERN.test(importer.id))
      throw new UsageError({
        what: 'exports no importer',
        where,
        remedy: 'export a CheckpointImporter as its default',
      });
    if (registered.includes(importer)) continue;
    if (importers().some(({ id }) => id === importer.id))
      throw new UsageError({
        what: `there is an importer ${importer.id} already`,
        where,
        remedy: 'give it another id',
      });
    registerImporter(importer);
  }
}
