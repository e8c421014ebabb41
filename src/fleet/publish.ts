// From an attempt at a job to its result: each attempt writes into a directory of its own, and what is whole is renamed to
// where it belongs. So attempts may overlap, die or linger, and do no harm. Relies on nothing but that renaming within a
// directory tree is atomic.

import { randomUUID } from 'node:crypto';
import { existsSync, mkdirSync, readdirSync, renameSync, rmdirSync, rmSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { asWriteError } from '../atomic.js';

/** Directory of the attempts, within the directory of the plan. */
const STAGING = '.fleet';
/** Characters that tell attempts at the same job apart: a dot and a UUID. */
const ATTEMPT_LENGTH = 37;

/** Makes the directory of an attempt. @throws WriteError */
export function openStaging(directory: string, id: string): string {
  const staging = join(directory, STAGING, `${id}.${randomUUID()}`);
  try {
    mkdirSync(staging, { recursive: true });
  } catch (error) {
    throw asWriteError(error, staging);
  }
  return staging;
}

/** Moves an attempt's outputs to where they belong, in their order. Unfinished ones of others there give way. */
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

/** Removes all attempts at these jobs: what killed workers left, and what is being made a second time for nothing. */
export function clearStaging(directory: string, ids: ReadonlySet<string>): void {
  const parent = join(directory, STAGING);
  if (!existsSync(parent)) return;
  for (const name of readdirSync(parent)) {
    if (ids.has(name.slice(0, -ATTEMPT_LENGTH))) rmSync(join(parent, name), { recursive: true, force: true });
  }
  try {
    rmdirSync(parent);
  } catch {
    // There are attempts at other jobs.
  }
}
