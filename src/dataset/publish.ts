// Replaces the output directory of a dataset.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { UsageError } from '../errors.js';
import { DATASET_MANIFEST } from '../samples/index.js';

/** Refuses to replace anything but samples. @throws {@link UsageError} */
export function checkReplaceable(dir: string): void {
  if (!existsSync(dir)) return;
  if (statSync(dir).isDirectory() && (existsSync(join(dir, DATASET_MANIFEST)) || readdirSync(dir).length === 0)) return;
  throw new UsageError({
    what: 'the output directory holds something other than samples',
    where: dir,
    remedy: 'choose another --out, or remove it',
  });
}

/** Replaces a directory by a finished one. */
export function putInPlace(partial: string, dir: string): void {
  const old = `${dir}.old`;
  rmSync(old, { recursive: true, force: true });
  mkdirSync(dirname(dir), { recursive: true });
  if (existsSync(dir)) renameSync(dir, old);
  renameSync(partial, dir);
  rmSync(old, { recursive: true, force: true });
}
