// The directory of a dataset: what may be replaced, and how it is.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.js';
import { DATASET_MANIFEST } from '../samples/index.js';

/** Refuses to put samples in the place of anything else. @throws {@link UsageError} */
export function checkReplaceable(dir: string): void {
  if (!existsSync(dir)) return;
  if (statSync(dir).isDirectory() && (existsSync(join(dir, DATASET_MANIFEST)) || readdirSync(dir).length === 0)) return;
  throw new UsageError({
    what: 'something other than samples is in the way',
    where: dir,
    remedy: 'choose another --out, or remove it',
  });
}

/** Puts a finished directory in the place of another. */
export function putInPlace(partial: string, dir: string): void {
  const old = `${dir}.old`;
  rmSync(old, { recursive: true, force: true });
  mkdirSync(dirname(dir), { recursive: true });
  if (existsSync(dir)) renameSync(dir, old);
  renameSync(partial, dir);
  rmSync(old, { recursive: true, force: true });
}
