// Reading a file that should be there, with the error that a user can act on when it is not.

import { readFileSync } from 'node:fs';
import { MissingFileError } from '../errors.js';

/**
 * The bytes of a file.
 *
 * @throws {@link MissingFileError} when it is not there, or cannot be read.
 */
export function readExistingFile(path: string): Uint8Array {
  try {
    return readFileSync(path);
  } catch (cause) {
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    throw new MissingFileError({
      what: missing ? 'no such file' : `cannot read the file (${(cause as NodeJS.ErrnoException).code})`,
      where: path,
      remedy: 'check the path and its permissions',
      cause,
    });
  }
}
