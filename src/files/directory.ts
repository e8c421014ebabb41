// A directory appears whole or not at all, and one that is replaced is never lost: the new one is made beside its place
// and flushed, the former is moved aside, the new one moved in, the former removed. Node offers no exchange of two
// directories; killed between the two renames, the path is empty, and whoever comes next completes the exchange.

import {
  closeSync,
  existsSync,
  fsyncSync,
  mkdirSync,
  openSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { asWriteError, flushDirectory, writeFileAtomic } from '../atomic.js';
import { UsageError } from '../errors.js';
import { clearLeftovers, isLeftover, listTemporary, newAttempt, temporaryName } from './temporary.js';

/** How long a reader waits for the second rename of a living process. */
const EXCHANGE_MS = 2000;
/** Exchanges that other processes may get in between before this one gives up. */
const TRIES = 100;

/** A directory that is being made beside its place. */
export interface Staging {
  /** Where it will be. */
  path: string;
  /** Where it is made. */
  directory: string;
  attempt: string;
}

/** Pauses this thread: what waits here are functions without promises, for the time of one rename. */
function pause(ms: number): void {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms);
}

/**
 * Call it before a directory that this toolkit writes is read or written: completes the exchange that a killed process left
 * half done, and waits for that of a living one.
 */
export function settleDirectory(path: string): void {
  const parent = dirname(path);
  clearLeftovers(parent, path);
  const isExchanged = () =>
    !existsSync(path) &&
    listTemporary(parent, path).some((entry) => entry.role === 'former' && !isLeftover(parent, entry));
  for (const end = Date.now() + EXCHANGE_MS; isExchanged() && Date.now() < end; ) pause(20);
}

/** Begins a directory. @throws WriteError */
export function openStaging(path: string): Staging {
  settleDirectory(path);
  const attempt = newAttempt();
  const directory = temporaryName(path, 'tmp', attempt);
  try {
    mkdirSync(directory, { recursive: true });
  } catch (error) {
    throw asWriteError(error, path);
  }
  return { path, directory, attempt };
}

/** Gives up a directory that is not whole. */
export function discardStaging({ directory }: Staging): void {
  rmSync(directory, { recursive: true, force: true });
}

function flushTree(directory: string): void {
  for (const entry of readdirSync(directory, { withFileTypes: true })) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) flushTree(path);
    else {
      const descriptor = openSync(path, 'r');
      try {
        fsyncSync(descriptor);
      } finally {
        closeSync(descriptor);
      }
    }
  }
  flushDirectory(directory);
}

function isThere(path: string): boolean {
  try {
    if (statSync(path, { throwIfNoEntry: false })?.isDirectory() && readdirSync(path).length === 0) rmdirSync(path);
  } catch {
    // Another process has put something into it, or has moved it aside.
  }
  return existsSync(path);
}

/**
 * Puts a whole directory in its place. Of several processes that do so at once the last one's stays.
 *
 * @param check throws when what is at the path must not be replaced; it is asked right before.
 * @throws WriteError, and what `check` throws; what was there stays, and the staging is removed.
 */
export function publishDirectory(staging: Staging, check: (path: string) => void): void {
  const { path, directory, attempt } = staging;
  const former = temporaryName(path, 'former', attempt);
  try {
    flushTree(directory);
    for (let tries = 1; ; tries++) {
      if (isThere(path)) {
        check(path);
        try {
          renameSync(path, former);
        } catch (error) {
          // Another process has moved it aside.
          if ((error as NodeJS.ErrnoException).code !== 'ENOENT') throw error;
        }
      }
      try {
        renameSync(directory, path);
        break;
      } catch (error) {
        const { code = '' } = error as NodeJS.ErrnoException;
        if (tries === TRIES || !['ENOTEMPTY', 'EEXIST', 'EPERM'].includes(code) || !existsSync(path)) throw error;
        // Another process was between the two renames, so what was moved aside here is no longer needed.
        rmSync(former, { recursive: true, force: true });
      }
    }
    flushDirectory(dirname(path));
    rmSync(former, { recursive: true, force: true });
  } catch (error) {
    if (existsSync(former) && !existsSync(path)) renameSync(former, path);
    discardStaging(staging);
    throw asWriteError(error, path);
  }
}

/**
 * Writes files as a directory, in place of what is there.
 *
 * @param files contents by path relative to the directory, with `/`.
 * @param check as of {@link publishDirectory}.
 * @throws WriteError, and what `check` throws; what was there stays.
 */
export function replaceDirectory(path: string, files: Record<string, Uint8Array>, check: (path: string) => void): void {
  const staging = openStaging(path);
  try {
    for (const [name, content] of Object.entries(files)) writeFileAtomic(join(staging.directory, name), content);
  } catch (error) {
    discardStaging(staging);
    throw error;
  }
  publishDirectory(staging, check);
}

/** Paths of the files in a directory, relative to it, with `/`. */
function listFiles(directory: string): string[] {
  return readdirSync(directory, { withFileTypes: true }).flatMap((entry) => {
    if (!entry.isDirectory()) return [entry.name];
    return listFiles(join(directory, entry.name)).map((name) => `${entry.name}/${name}`);
  });
}

/** Whether a directory holds these files with these contents and nothing else. */
export function holdsSame(path: string, files: Record<string, Uint8Array>): boolean {
  if (!statSync(path, { throwIfNoEntry: false })?.isDirectory()) return false;
  const names = listFiles(path);
  return (
    names.length === Object.keys(files).length &&
    names.every((name) => {
      const wanted = files[name];
      if (wanted === undefined || statSync(join(path, name)).size !== wanted.length) return false;
      return readFileSync(join(path, name)).equals(wanted);
    })
  );
}

/** What {@link checkReplaceable} lets be replaced. */
export interface Replaceable {
  /** Whether this toolkit made a file of the directory, given by its relative path. */
  isOwn(path: string): boolean;
  /** What such a directory holds, for people: `samples`. */
  content: string;
  /** The option that named the directory. */
  option: string;
}

/**
 * Refuses to put a directory in the place of anything that this toolkit has not made.
 *
 * @throws {@link UsageError} unless the path is absent, an empty directory, or one with files of this toolkit alone.
 */
export function checkReplaceable(path: string, { isOwn, content, option }: Replaceable): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined) return;
  const remedy = `choose another place (${option})`;
  if (!status.isDirectory())
    throw new UsageError({ what: 'a file stands where a directory is to be written', where: path, remedy });
  const foreign = listFiles(path).find((name) => !isOwn(name));
  if (foreign !== undefined)
    throw new UsageError({
      what: `the directory holds other files than ${content}`,
      where: join(path, foreign),
      remedy,
    });
}
