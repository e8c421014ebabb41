// The directory of an export: what may be replaced, and when it is there already.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { UsageError, WnnError } from '../errors.js';
import { checkReplaceable, holdsSame, replaceDirectory, settleDirectory } from '../files/directory.js';
import { NOWCASTER_MANIFEST_NAME } from '../nowcaster/nowcaster.js';
import { readNowcasterManifest } from '../nowcaster/onDisk.js';

/** Refuses to replace what is not an earlier export, or anything without `overwrite`. @throws {@link UsageError} */
function checkTarget(path: string, overwrite: boolean): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status?.isDirectory() && readdirSync(path).length === 0) return;
  const place = { content: 'an earlier export', option: '--to' };
  if (status?.isDirectory() && !overwrite)
    throw new UsageError({
      what: 'the directory is not empty',
      where: path,
      remedy: 'choose another place (--to), or replace what an earlier export wrote (--overwrite)',
    });
  // Asked of a directory only, since a file is refused in any case.
  const own = new Set<string>();
  if (status?.isDirectory() && statSync(join(path, NOWCASTER_MANIFEST_NAME), { throwIfNoEntry: false })) {
    try {
      for (const file of readNowcasterManifest(path).files) own.add(file.path);
      own.add(NOWCASTER_MANIFEST_NAME);
    } catch (error) {
      // Whose the files are is not known then.
      if (!(error instanceof WnnError)) throw error;
    }
  }
  checkReplaceable(path, { ...place, isOwn: (file) => own.has(file) });
}

/**
 * Writes an export, unless it is there already.
 *
 * @param files contents by path relative to the directory, with `/`.
 * @param overwrite whether a nowcaster of an earlier export is replaced.
 * @returns false when the directory held just these files.
 * @throws {@link UsageError} when something else is there; WriteError.
 */
export function writeExport(path: string, files: Record<string, Uint8Array>, overwrite: boolean): boolean {
  settleDirectory(path);
  if (holdsSame(path, files)) return false;
  checkTarget(path, overwrite);
  replaceDirectory(path, files, (target) => {
    // Another process may have written the same in between.
    if (!holdsSame(target, files)) checkTarget(target, overwrite);
  });
  return true;
}
