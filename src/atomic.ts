// Files appear whole or not at all: written under a temporary name in the same directory, flushed, then renamed.

import { closeSync, fsyncSync, mkdirSync, openSync, renameSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { WriteError } from './errors.js';
import { clearLeftoversOnce, discardTemporary, temporaryName } from './files/temporary.js';

/** The system's reason, in words a user knows. */
const REASONS: Record<string, [what: string, remedy: string]> = {
  ENOSPC: ['disk full', 'free some space and run the same command again'],
  EDQUOT: ['disk quota used up', 'free some space and run the same command again'],
  EFBIG: ['file too large for this file system or limit', 'write to another place, or raise the limit (ulimit -f)'],
  EACCES: ['no permission to write', 'choose another place or change its permissions'],
  EPERM: ['no permission to write', 'choose another place or change its permissions'],
  EROFS: ['read-only file system', 'choose another place'],
  ENOTDIR: ['a part of the path is a file, not a directory', 'choose another place'],
  EEXIST: ['a file stands where a directory is needed', 'choose another place'],
};

/**
 * Turns an error of the file system, caught while writing `path`, into one that tells the user what to do.
 *
 * @returns a {@link WriteError} for the system's errors; anything else unchanged.
 */
export function asWriteError(error: unknown, path: string): unknown {
  const { code, syscall } = (error ?? {}) as NodeJS.ErrnoException;
  // Errors of Node itself (`ERR_...`) have a code too, but no system call: they are bugs.
  if (!(error instanceof Error) || code === undefined || syscall === undefined) return error;
  const [what, remedy] = REASONS[code] ?? [`cannot write (${code})`, 'check the path and the disk'];
  return new WriteError({ what, where: path, remedy, cause: error });
}

/** Brings the names in a directory to the disk, where the system can: a rename survives a power failure only then. */
export function flushDirectory(directory: string): void {
  try {
    const descriptor = openSync(directory, 'r');
    try {
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // Windows and some network file systems flush no directories.
  }
}

/**
 * Writes a whole file, or leaves what was there. Creates missing directories.
 *
 * @throws {@link WriteError} when the disk is full or the place cannot be written; the temporary file is removed.
 */
export function writeFileAtomic(path: string, content: Uint8Array | string): void {
  const temporary = temporaryName(path);
  try {
    mkdirSync(dirname(path), { recursive: true });
    clearLeftoversOnce(dirname(path));
    const bytes = typeof content === 'string' ? Buffer.from(content) : content;
    const descriptor = openSync(temporary, 'w');
    try {
      for (let offset = 0; offset < bytes.length; ) offset += writeSync(descriptor, bytes, offset);
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    flushDirectory(dirname(path));
  } catch (error) {
    discardTemporary(temporary);
    throw asWriteError(error, path);
  }
}

/** {@link writeFileAtomic} of a value as indented JSON with a final newline. */
export function writeJsonAtomic(path: string, value: unknown): void {
  writeFileAtomic(path, `${JSON.stringify(value, null, 2)}\n`);
}
