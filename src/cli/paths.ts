// Paths in what people read: relative to where they stand.

import { sep } from 'node:path';

/** The text with paths below the current directory relative to it. Addresses (`file:///...`) stay as they are. */
export function showPaths(text: string): string {
  const here = process.cwd();
  if (here.endsWith(sep)) return text;
  const parts = text.split(here + sep);
  return parts.reduce((shown, part) => shown + (/[\w./\\-]$/.test(shown) ? here + sep : '') + part);
}
