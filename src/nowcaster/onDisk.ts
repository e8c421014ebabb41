// A nowcaster directory on disk: its manifest, and the check of all its files.

import { existsSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { settleDirectory } from '../files/directory.js';
import { readJsonFile } from '../formats/json.js';
import { checkListed } from './listedFile.js';
import { checkNowcasterManifest, NOWCASTER_MANIFEST_NAME, type NowcasterManifest } from './nowcaster.js';

/**
 * Reads and checks `<directory>/nowcaster.json`.
 *
 * @throws MissingFileError, CorruptFileError, SchemaVersionError
 */
export function readNowcasterManifest(directory: string): NowcasterManifest {
  settleDirectory(directory);
  const path = join(directory, NOWCASTER_MANIFEST_NAME);
  const missing = { what: 'no nowcaster here', remedy: 'give the directory that `wnn export` made' };
  return checkNowcasterManifest(readJsonFile(path, { missing, remedy: 'export it again (wnn export)' }), path);
}

/**
 * Checks every file of a nowcaster that is there against the manifest. Files of formats that were left out of a copy are
 * no error: what needs one says so.
 *
 * @throws CorruptFileError naming the first that is damaged.
 */
export function checkNowcasterFiles(directory: string, { files }: NowcasterManifest): void {
  for (const entry of files) {
    const path = join(directory, entry.path);
    if (existsSync(path)) checkListed(entry, readFileSync(path), path);
  }
}

/**
 * Checks a weight file that is given by itself, if a nowcaster's manifest beside it lists it.
 *
 * @throws CorruptFileError when it is damaged, and what {@link readNowcasterManifest} throws.
 */
export function checkBeside(path: string, content: Uint8Array): void {
  if (!existsSync(join(dirname(path), NOWCASTER_MANIFEST_NAME))) return;
  const entry = readNowcasterManifest(dirname(path)).files.find((file) => file.path === basename(path));
  if (entry !== undefined) checkListed(entry, content, path);
}
