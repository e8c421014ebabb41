// What a training job imports in Node: the same as in a browser, and `load` takes directories as well.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { MissingFileError } from '../errors.js';
import { createWasmCompute } from '../kernels/index.js';
import { type Nowcaster, type NowcasterSource, readNowcaster } from '../nowcaster/nowcaster.js';
import type { NowcasterNetworks } from './forecaster.js';
import { shippedFiles } from './shipped.js';
import { fetchSource } from './source.js';
import { WeightForecasting as FetchingWeightForecasting, type WeightForecastingOptions } from './weightForecasting.js';

// The class below takes the place of the one that this exports.
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

/** The source for a path, a `file:` address or an address to fetch from. */
export function sourceOf(location: string | URL): NowcasterSource {
  const text = String(location);
  if (text.startsWith('file:')) return directorySource(fileURLToPath(text));
  return /^[a-z][a-z0-9+.-]+:\/\//i.test(text) ? fetchSource(location) : directorySource(text);
}

/** Reads the nowcaster at a path or an address. */
export function loadNowcaster(location: string | URL): Promise<Nowcaster> {
  return readNowcaster(sourceOf(location), String(location));
}

/** Path of the directory of the nowcaster that ships with the toolkit. */
export function shippedDirectory(): string {
  return fileURLToPath(new URL('.', shippedFiles()['nowcaster.json']));
}

/**
 * {@link FetchingWeightForecasting} whose `load` takes directories as well as addresses, and whose networks run on all
 * cores.
 */
export class WeightForecasting extends FetchingWeightForecasting {
  /**
   * @param options `compute` defaults to the fused kernels on all cores that this process may use; give
   * `createDefaultCompute` where several trainings share a machine.
   */
  constructor(nowcaster: NowcasterNetworks, options: WeightForecastingOptions = {}) {
    super(nowcaster, { compute: createWasmCompute, ...options });
  }

  /**
   * @param location path or address (`file:`, `http:`, `https:`) of the nowcaster directory. Default: the one that ships
   * with the toolkit.
   */
  static override async load(
    location: string | URL = shippedDirectory(),
    options: WeightForecastingOptions = {},
  ): Promise<WeightForecasting> {
    return new WeightForecasting(await loadNowcaster(location), options);
  }
}
