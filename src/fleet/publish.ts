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

/** Creates the directory of an attempt. @throws WriteError */
export function openStaging(directory: string, id: string): string {
  const staging = join(directory, STAGING, `${id}.${randomUUID()}`);
  try {
    mkdirSync(staging, { recursive: true });
  } catch (error) {
    throw asWriteError(error, staging);
  }
  return staging;
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
