// Claims: who does a piece of work that several processes want to do. A claim is a file whose name tells its process, so
// it ends with the process, however that ends. Relies on nothing but that a file made before a directory is listed is in
// the list.

import { closeSync, mkdirSync, openSync, rmSync, statSync, writeSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { asWriteError } from '../atomic.js';
import { isAlive } from './owner.js';
import { clearLeftovers, listTemporary, type TemporaryName, temporaryName } from './temporary.js';

/** Longest pause of a process that waits, in milliseconds. */
const PAUSE_MS = 500;
/** How often a claim is renewed. */
const RENEWAL_MS = 60_000;
/** A claim of another machine, whose processes are not seen from here, ends when it has not been renewed for so long. */
const LAPSE_MS = 10 * RENEWAL_MS;

/** Renews a claim: the time of its change becomes that of the file system, whose clock all machines share. */
function renew(own: string): void {
  try {
    const descriptor = openSync(own, 'r+');
    try {
      writeSync(descriptor, '\n', 0);
    } finally {
      closeSync(descriptor);
    }
  } catch {
    // The disk is full or away: whoever writes there finds out.
  }
}

/** Whether a claim no longer counts. @param now time of the file system, in milliseconds. */
function isOver(directory: string, { name, owner }: TemporaryName, now: number): boolean {
  const alive = isAlive(owner);
  if (alive !== null) return !alive;
  const status = statSync(join(directory, name), { throwIfNoEntry: false });
  return status === undefined || now - status.mtimeMs > LAPSE_MS;
}

/**
 * Takes a claim if nobody has it.
 *
 * @returns what gives it back; null when a living process has it, or wants it now.
 * @throws WriteError when the place cannot be written.
 */
export function tryClaim(path: string): (() => void) | null {
  const directory = dirname(path);
  const own = temporaryName(path, 'claim');
  let now: number;
  try {
    mkdirSync(directory, { recursive: true });
    closeSync(openSync(own, 'wx'));
    now = statSync(own).mtimeMs;
  } catch (error) {
    throw asWriteError(error, path);
  }
  const renewal = setInterval(renew, RENEWAL_MS, own).unref();
  const release = () => {
    clearInterval(renewal);
    rmSync(own, { force: true });
  };
  // Of two that claim at once, each sees the other unless its list came first, so never do both hold the claim.
  const others = listTemporary(directory, path).filter(
    (entry) => entry.role === 'claim' && entry.name !== basename(own) && !isOver(directory, entry, now),
  );
  if (others.length === 0) return release;
  release();
  return null;
}

/** Options of {@link claim}. */
export interface ClaimOptions {
  /** Told once when another process has the claim. */
  onWait?: () => void;
  signal?: AbortSignal;
}

/**
 * Waits until this process alone may write `path`. Two calls within one process wait for each other too.
 *
 * @returns what gives the claim back.
 * @throws WriteError when the place cannot be written; `signal.reason`.
 */
export async function claim(path: string, { onWait, signal }: ClaimOptions = {}): Promise<() => void> {
  clearLeftovers(dirname(path), path);
  for (let waits = 0; ; waits++) {
    signal?.throwIfAborted();
    const release = tryClaim(path);
    if (release !== null) return release;
    if (waits === 3) onWait?.();
    // At random, so that two that claim at once do not do so again.
    await sleep((0.5 + Math.random() / 2) * Math.min(PAUSE_MS, 10 * 2 ** waits), undefined, { signal });
  }
}
