// The token file of a directory: equal content shows that two machines see the same directory.

import { randomBytes } from 'node:crypto';
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { asWriteError } from '../atomic.js';
import { CorruptFileError, QueueError } from '../errors.js';

/** Name of the token file. */
export const TOKEN_FILE = '.wnn-token';
const TOKEN_PATTERN = /^[0-9a-f]{32}$/;

/**
 * The token of a directory; both are created if missing.
 *
 * @throws WriteError when it cannot be written, {@link CorruptFileError} when the file is not a token.
 */
export function ensureToken(directory: string): string {
  const path = join(directory, TOKEN_FILE);
  try {
    mkdirSync(directory, { recursive: true });
    // Fails if it exists, so that only one of two concurrent commands creates it.
    writeFileSync(path, `${randomBytes(16).toString('hex')}\n`, { flag: 'wx' });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw asWriteError(error, path);
  }
  const token = readToken(directory);
  if (token !== null && TOKEN_PATTERN.test(token)) return token;
  throw new CorruptFileError({ what: 'not a token', where: path, remedy: 'delete it and run the same command again' });
}

function readToken(directory: string): string | null {
  try {
    return readFileSync(join(directory, TOKEN_FILE), 'utf8').trim();
  } catch {
    return null;
  }
}

/** Whether this machine sees any token in a directory. */
export const seesToken = (directory: string): boolean => readToken(directory) !== null;

/**
 * Compares a job's token with that of its directory as this machine sees it.
 *
 * @throws {@link QueueError} when this machine does not see the directory of the plan.
 */
export function checkToken(directory: string, token: string): void {
  const own = readToken(directory);
  if (own === token) return;
  throw new QueueError({
    what: own === null ? 'this machine does not see the directory of the plan' : 'another directory than the plan’s',
    where: join(directory, TOKEN_FILE),
    remedy: 'mount the directory that all machines share, and start the worker with --root where it is',
  });
}
