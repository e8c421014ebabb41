// What the toolkit knows of a set of data before it is in memory: its shape, where to download it, how to read it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MissingFileError } from '../errors.js';
import type { Examples } from './taskData.js';

/** A set of data in its official division. */
export interface DataParts {
  train: Examples;
  /** The official test part. */
  validation: Examples;
}

/** One file to download. */
export interface Download {
  url: string;
  /** Its size. */
  bytes: number;
  checksum: { algorithm: string; hex: string };
  /** Whether it is a .tar.gz that holds the set's files in one folder. */
  archive: boolean;
}

/** Where a set of data comes from. One per file in sources/. */
export interface DataSource {
  name: string;
  /** Shape of one example: [height, width, channels] of an image, [steps, symbols] of a text. */
  inputShape: readonly number[];
  classes: number;
  /** What there are several of in it: `images`, `passages`. */
  unit: string;
  /** The official files; null when the set comes with the installation or a package. */
  downloads: readonly Download[] | null;
  /**
   * Paths of the files that `read` reads.
   *
   * @throws MissingFileError when one is not there.
   */
  locate(directory: string): string[];
  /**
   * Reads both parts.
   *
   * @throws MissingFileError when a file is not there, CorruptFileError when its content is not what it should be.
   */
  read(directory: string): DataParts;
}

/**
 * The first of several paths under a directory that exists.
 *
 * @param name the set's, for the error.
 * @throws {@link MissingFileError} when none does.
 */
export function locateFile(directory: string, candidates: readonly string[], name: string): string {
  const path = candidates.map((candidate) => join(directory, candidate)).find((candidate) => existsSync(candidate));
  if (path !== undefined) return path;
  throw new MissingFileError({
    what: `${name} has no ${candidates[0]}`,
    where: directory,
    remedy: `get it with \`wnn data get ${name}\`, or name the directory that has it with --from`,
  });
}
