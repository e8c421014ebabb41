// Reading a file's bytes: only of regular files, never more than the file has.

import { closeSync, fstatSync, openSync, readSync, statSync } from 'node:fs';
import { MissingFileError } from '../errors.js';
import { corruptFile } from './corruptFile.js';

/** What is read into memory as a whole is no longer than this, 2 GiB. */
export const MAX_BYTES_IN_MEMORY = 2 ** 31;

/** An open file. */
export interface InputFile {
  path: string;
  bytes: number;
  /** Reads exactly the bytes [begin, end). */
  read(begin: number, end: number): Uint8Array<ArrayBuffer>;
}

function missing(path: string, what: string, cause?: unknown): MissingFileError {
  return new MissingFileError({ what, where: path, remedy: 'check the path and its permissions', cause });
}

/**
 * Opens a file for as long as `use` runs.
 *
 * @param format what to call the format in errors.
 * @throws {@link MissingFileError} when it is not there, not readable or no regular file (a pipe could block for ever).
 */
export async function withInputFile<T>(
  path: string,
  format: string,
  use: (file: InputFile) => T | Promise<T>,
): Promise<T> {
  let descriptor: number;
  try {
    if (!statSync(path).isFile()) throw missing(path, 'not a file');
    descriptor = openSync(path, 'r');
  } catch (error) {
    if (error instanceof MissingFileError) throw error;
    const { code } = error as NodeJS.ErrnoException;
    throw missing(path, code === 'ENOENT' ? 'no such file' : `cannot read the file (${code})`, error);
  }
  try {
    const bytes = fstatSync(descriptor).size;
    if (bytes === 0) throw corruptFile(path, format, 'it is empty');
    const read = (begin: number, end: number) => {
      const target = new Uint8Array(end - begin);
      for (let done = 0; done < target.length; ) {
        const count = readSync(descriptor, target, done, target.length - done, begin + done);
        if (count === 0) throw corruptFile(path, format, `it ended at byte ${begin + done}`);
        done += count;
      }
      return target;
    };
    return await use({ path, bytes, read });
  } finally {
    closeSync(descriptor);
  }
}

/** Reads a whole file. @throws what {@link withInputFile} throws, and CorruptFileError when it is larger than 2 GiB. */
export function readWholeFile(path: string, format: string): Promise<Uint8Array<ArrayBuffer>> {
  return withInputFile(path, format, ({ bytes, read }) => {
    if (bytes > MAX_BYTES_IN_MEMORY)
      throw corruptFile(path, format, `${bytes} bytes are more than the 2 GiB that can be read of this format`);
    return read(0, bytes);
  });
}
