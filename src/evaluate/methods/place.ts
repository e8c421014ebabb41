// How the place of a method's files is written in results and on pages: relative to the directory of the evaluation's command,
// which can be moved, where that holds them.

import { relative, sep } from 'node:path';

/** An absolute path relative to the current directory; as it is where it lies outside. */
export function placeOf(path: string): string {
  const below = relative('', path);
  return below === '' ? '.' : below === '..' || below.startsWith(`..${sep}`) ? path : below;
}
