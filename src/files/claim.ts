// Claims: who does a piece of work that several processes want to do. A claim is a file whose name tells its process, so
// it ends with the process, however that ends. Relies on nothing but that a file made before a directory is listed is in
// the list.

import { closeSync, mkdirSync, openSync, rmSync } from 'node:fs';
import { basename, dirname } from 'node:path';
import { setTimeout } from 'node:timers/promises';
import { asWriteError } from '../atomic.js';
import { clearLeftovers, isLeftover, listTemporary, temporaryName } from './temporary.js';

/** Longest pause of a process that waits, in milliseconds. */
const PAUSE_MS = 500;

/** Takes a claim if nobody has it. @returns what gives it back; null when a living process has it, or wants it now. */
function tryClaim(path: string): (() => void) | null {
  const directory = dirname(path);
  const own = temporaryName(path, 'claim');
  try {
    mkdirSync(directory, { recursive: true });
    closeSync(openSync(own, 'wx'));
  } catch (error) {
    throw asWriteError(error, path);
  }
  const release = () => rmSync(own, { force: true });
  // Of two that claim at once, each sees the other unless its list came first, so never do both hold the claim.
  const others = listTemporary(directory, path).filter(
    (entry) => entry.role === 'claim' && entry.name !== basename(own) && !isLeftover(directory, entry),
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
    await setTimeout((0.5 + Math.random() / 2) * Math.min(PAUSE_MS, 10 * 2 ** waits), undefined, { signal });
  }
}
