// Reads an existing file, with an actionable error when it is missing.

import { readFileSync } from 'node:fs';
import { MissingFileError } from '../errors.js';

/**
 * Reads the bytes of a file.
 *
 * @throws {@link MissingFileError} when it does not exist or cannot be read.
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
