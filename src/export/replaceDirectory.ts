// A directory appears whole or not at all: written under a temporary name beside its place, then renamed.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asWriteError, temporaryName, writeFileAtomic } from '../atomic.js';
import { UsageError } from '../errors.js';

/**
 * Throws unless a directory may be written to `path`: it is absent or empty, or it may be replaced and is of our own.
 *
 * @param mark name of a file by which a directory of ours is known; null: nothing is replaced.
 */
export function checkTarget(path: string, mark: string | null): void {
  if (!existsSync(path)) return;
  if (!statSync(path).isDirectory())
    throw new UsageError({
      what: 'a file stands where a directory is to be written',
      where: path,
      remedy: 'choose another place (--to)',
    });
  if (readdirSync(path).length === 0) return;
  if (mark === null)
    throw new UsageError({
      what: 'the directory is not empty',
      where: path,
      remedy: 'choose another place (--to), or replace what an earlier export wrote (--overwrite)',
    });
  if (!existsSync(join(path, mark)))
    throw new UsageError({
      what: 'the directory holds something else than an earlier export',
      where: path,
      remedy: 'choose another place (--to)',
    });
}

/**
 * Writes files as a directory, in place of what is there.
 *
 * @param files contents by path relative to the directory, with `/`.
 * @throws {@link WriteError}; what was there stays.
 */
export function replaceDirectory(path: string, files: Record<string, Uint8Array>): void {
  const temporary = temporaryName(path);
  const former = `${temporary}.former`;
  try {
    rmSync(temporary, { recursive: true, force: true });
    mkdirSync(dirname(path), { recursive: true });
    for (const [name, content] of Object.entries(files)) writeFileAtomic(join(temporary, name), content);
    if (existsSync(path)) renameSync(path, former);
    renameSync(temporary, path);
    rmSync(former, { recursive: true, force: true });
  } catch (error) {
    if (existsSync(former) && !existsSync(path)) renameSync(former, path);
    rmSync(temporary, { recursive: true, force: true });
    throw asWriteError(error, path);
  }
}
