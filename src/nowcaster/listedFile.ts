// What a manifest says of a file beside it: a damaged file is found by whoever reads it, of whichever format it is.

import { CorruptFileError } from '../errors.js';
import { sha256 } from './sha256.js';

/** A file and what tells whether it is as it was written. */
export interface ListedFile {
  /** Relative to the manifest, with `/`. */
  path: string;
  bytes: number;
  /** In hex. */
  sha256: string;
}

/** The entries of files that are written beside a manifest, ordered by path. */
export function describeFiles(files: Record<string, Uint8Array>): ListedFile[] {
  return Object.entries(files)
    .map(([path, content]) => ({ path, bytes: content.length, sha256: sha256(content) }))
    .sort((a, b) => (a.path < b.path ? -1 : 1));
}

/** Whether a parsed value is a list of files. */
export function isFileList(value: unknown): value is ListedFile[] {
  return (
    Array.isArray(value) &&
    value.every((entry) => {
      const { path, bytes, sha256: digest } = (entry ?? {}) as Partial<Record<keyof ListedFile, unknown>>;
      const isPath =
        typeof path === 'string' && path !== '' && !path.split(/[\\/]/).some((part) => /^\.{0,2}$/.test(part));
      return isPath && Number.isSafeInteger(bytes) && typeof digest === 'string' && /^[0-9a-f]{64}$/.test(digest);
    })
  );
}

/**
 * Checks a file against its entry.
 *
 * @param where what to call the file in errors.
 * @throws {@link CorruptFileError} when its length or content is another.
 */
export function checkListed(entry: ListedFile, content: Uint8Array, where: string): void {
  const remedy = 'copy or export it again';
  if (content.length !== entry.bytes)
    throw new CorruptFileError({ what: `${content.length} bytes, its manifest says ${entry.bytes}`, where, remedy });
  if (sha256(content) !== entry.sha256)
    throw new CorruptFileError({ what: 'damaged: its SHA-256 is not that of its manifest', where, remedy });
}
