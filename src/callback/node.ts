// The entry of `weight-nowcaster/callback` in Node: `load` takes directories as well as addresses, and networks run on all
// cores.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { createWasmCompute } from '../compute/wasmCompute.js';
import { MissingFileError } from '../errors.js';
import { settleDirectory } from '../files/directory.js';
import { type Nowcaster, type NowcasterSource, readNowcaster } from '../nowcaster/nowcaster.js';
import { checkNowcasterFiles } from '../nowcaster/onDisk.js';
import { loadShipped } from './shipped.js';
import { fetchSource } from './source.js';
import { WeightForecasting } from './weightForecasting.js';

export * from './index.js';

/** Reads files from a directory on disk. */
export function directorySource(directory: string): NowcasterSource {
  return async (relativePath) => {
    const path = join(directory, relativePath);
    try {
      return await readFile(path);
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException;
      throw new MissingFileError({
        what: code === 'ENOENT' || code === 'ENOTDIR' ? 'no such file' : `cannot read (${code})`,
        where: path,
        remedy: 'give the directory that `wnn export` made',
        cause,
      });
    }
  };
}

/** The path of a directory on disk; null for an address to fetch from. */
function localDirectory(location: string | URL): string | null {
  const text = String(location);
  if (text.startsWith('file:')) return fileURLToPath(text);
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(text) ? null : text;
}

/** The source for a path, a `file:` address or an address to fetch from. */
export function sourceOf(location: string | URL): NowcasterSource {
  const directory = localDirectory(location);
  return directory === null ? fetchSource(location) : directorySource(directory);
}

/** Reads the nowcaster at a path or an address. On disk the files of its other formats are checked too. */
export async function loadNowcaster(location: string | URL): Promise<Nowcaster> {
  const directory = localDirectory(location);
  if (directory !== null) settleDirectory(directory);
  const nowcaster = await readNowcaster(sourceOf(location), String(location));
  if (directory !== null) checkNowcasterFiles(directory, nowcaster.manifest);
  return nowcaster;
}

WeightForecasting.platform = { loadShipped, sourceOf, createCompute: (spec) => createWasmCompute(spec) };
