// Parquet files of a run, compared with their checksums in run.json before anything takes them apart: for a single damaged
// byte, decoders return other values or work for half a minute.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import { CorruptFileError } from '../errors.js';
import type { FileChecksum } from './schema.js';

/**
 * Opens a file that is as it was written.
 *
 * @returns a descriptor that the caller closes.
 * @throws Error when it is missing or another file; see {@link damagedParquet}.
 */
export function openChecked(path: string, { bytes, crc32: expected }: FileChecksum): number {
  const descriptor = openSync(path, 'r');
  try {
    const { size } = fstatSync(descriptor);
    if (size !== bytes) throw new Error(`${size} bytes long in place of ${bytes}`);
    const chunk = new Uint8Array(Math.min(size, 2 ** 20));
    let sum = 0;
    for (let offset = 0; offset < size; offset += chunk.length)
      sum = crc32(readBytes(descriptor, offset, chunk.subarray(0, size - offset)), sum);
    if (sum !== expected) throw new Error('wrong checksum');
    return descriptor;
  } catch (error) {
    closeSync(descriptor);
    throw error;
  }
}

/** Fills `bytes` from an open file. @throws RangeError when it ends before. */
export function readBytes<T extends Uint8Array>(descriptor: number, offset: number, bytes: T): T {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(descriptor, bytes, done, bytes.length - done, offset + done);
    if (count === 0) throw new RangeError('file is shorter than it says');
    done += count;
  }
  return bytes;
}

/** Anything that goes wrong while a Parquet file is taken apart means that the file is not what it should be. */
export function damagedParquet(path: string, cause: unknown): CorruptFileError {
  const why = (cause instanceof Error ? cause.message : String(cause)).split('\n')[0];
  return new CorruptFileError({
    what: `damaged Parquet file (${why})`,
    where: path,
    remedy: 'restore it from a copy, or delete the directory of its run and record the run again',
    cause,
  });
}
