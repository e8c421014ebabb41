// Where the nowcaster is that ships with the toolkit, and the word for it.

import { existsSync } from 'node:fs';
import { basename, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Directory of the nowcaster that ships with the toolkit. */
export const SHIPPED_DIRECTORY = fileURLToPath(new URL('../../weights/zoo', import.meta.url));

/** The word for it, where a directory is asked for. */
export const SHIPPED_WORD = basename(SHIPPED_DIRECTORY);

/** A directory as it was given; `zoo` is the shipped nowcaster, unless there is something of that name where the user is. */
export function findNowcasterDirectory(given: string): string {
  const directory = resolve(given);
  return given === SHIPPED_WORD && !existsSync(directory) ? SHIPPED_DIRECTORY : directory;
}
