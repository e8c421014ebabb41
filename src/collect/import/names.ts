// What checkpoints are called among themselves: by that of their paths in which they differ.

import nodePath from 'node:path';
import type { Source } from './sources.js';

/** A checkpoint with the name that it is ordered by. */
export interface NamedSource extends Source {
  /** Path under the directory that all have in common, with `/` and without the ending that tells the format. */
  name: string;
}

/**
 * The directory that files have in common: of one that holds each in a directory of its own, the outer one.
 *
 * @param path rules of the file system. Default: of this machine.
 */
export function commonDirectory(files: readonly string[], path: nodePath.PlatformPath = nodePath): string {
  let directory = path.dirname(path.resolve(files[0]));
  const isIn = (file: string) => {
    const relative = path.relative(directory, path.resolve(file));
    return relative !== '' && !relative.startsWith('..') && !path.isAbsolute(relative);
  };
  while (!files.every(isIn) && directory !== path.dirname(directory)) directory = path.dirname(directory);
  return directory;
}

/** Names checkpoints. */
export function nameSources(sources: readonly Source[], path: nodePath.PlatformPath = nodePath): NamedSource[] {
  const directory = commonDirectory(
    sources.map((source) => source.path),
    path,
  );
  return sources.map((source) => {
    const { importer } = source;
    const relative = path.relative(directory, path.resolve(source.path)).replaceAll('\\', '/');
    const stem = relative.replace(importer.ending, '');
    const name = stem === relative && importer.sharedEnding ? relative.replace(importer.sharedEnding, '') : stem;
    return { ...source, name };
  });
}

/** Letters, digits, `.`, `_` and `-` of a text: what ids of runs consist of. */
export const asId = (text: string) => text.replace(/[^A-Za-z0-9._-]+/g, '-').replace(/^[^A-Za-z0-9]+|-+$/g, '');
