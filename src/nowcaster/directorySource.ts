// A nowcaster directory on this machine's disk. Node only: the browser's callback does not import it.

import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { MissingFileError } from '../errors.js';
import { type Nowcaster, type NowcasterSource, readNowcaster } from './nowcaster.js';

/** Gives the files of a directory on disk. */
export function directorySource(directory: string): NowcasterSource {
  return async (relativePath) => {
    const path = join(directory, relativePath);
    try {
      return await readFile(path);
    } catch (cause) {
      throw new MissingFileError({
        what: 'cannot read a file of the nowcaster',
        where: path,
        remedy: 'give a whole directory that wnn export wrote',
        cause,
      });
    }
  };
}

/**
 * Reads a nowcaster directory from disk.
 *
 * @throws {@link MissingFileError} and what {@link readNowcaster} throws.
 */
export function readNowcasterDirectory(directory: string): Promise<Nowcaster> {
  return readNowcaster(directorySource(directory), directory);
}
