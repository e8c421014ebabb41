// Publishes the result of a job: each attempt writes to its own directory, and complete outputs are renamed into place.
// Attempts may therefore overlap, die or hang without harm. Relies only on atomic renames within a directory tree.

import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asWriteError } from '../atomic.js';

/** Directory of the attempts, within the directory of the plan. */
const STAGING = '.fleet';
/** Characters that distinguish attempts at the same job: a dot and a UUID. */
const ATTEMPT_LENGTH = 37;
/** How often other attempts may end between two steps of this one's start. */
const RACES = 20;

/**
 * Creates the directory of an attempt in the directory of the plan, which must be there: a mount may have disappeared.
 *
 * @throws WriteError
 */
export function openStaging(directory: string, id: string): string {
  const parent = join(directory, STAGING);
  const staging = join(parent, `${id}.${randomUUID()}`);
  for (let tries = 1; ; tries++) {
    try {
      makeUnlessThere(parent);
      mkdirSync(staging);
      return staging;
    } catch (error) {
      // An attempt that ends removes the parent when it is the last one there.
      if ((error as NodeJS.ErrnoException).code !== 'ENOENT' || tries > RACES) throw asWriteError(error, staging);
    }
  }
}

function makeUnlessThere(path: string): void {
  try {
    mkdirSync(path);
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
  }
}

/** Moves an attempt's outputs into place, in order. Incomplete outputs there are replaced. */
export function publish(directory: string, staging: string, outputs: readonly string[]): void {
  for (const [i, output] of outputs.entries()) {
    const target = join(directory, output);
    try {
      mkdirSync(dirname(target), { recursive: true });
      if (existsSync(target)) renameSync(target, join(staging, `replaced-${i}`));
      renameSync(join(staging, output), target);
    } catch (error) {
      throw asWriteError(error, target);
    }
  }
}

/** Removes all attempts at these jobs: leftovers of killed workers and redundant attempts. */
export function clearStaging(directory: string, ids: ReadonlySet<string>): void {
  const parent = join(directory, STAGING);
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    if (ids.has(name.slice(0, -ATTEMPT_LENGTH))) rmSync(join(parent, name), { recursive: true, force: true });
  }
  try {
    rmdirSync(parent);
  } catch {
    // Attempts at other jobs remain.
  }
}
