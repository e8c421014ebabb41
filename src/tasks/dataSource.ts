// The description of a dataset before it is in memory: its shape, where to download it, how to read it.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { MissingFileError } from '../errors.js';
import type { Metric } from './metric.js';
import type { Examples } from './taskData.js';
import type { Unpack } from './unpack.js';

/** A dataset with its official split. */
export interface DataParts {
  train: Examples;
  /** The official test split. */
  validation: Examples;
}

/** One file to download. */
export interface Download {
  url: string;
  /** Size in bytes. */
  bytes: number;
  checksum: { algorithm: string; hex: string };
  /** How it is unpacked, if it is an archive; null: it is a file of the dataset. */
  unpack: Unpack | null;
}

/** The source of a dataset. One per file in sources/. */
export interface DataSource {
  name: string;
  /** Shape of one example: [height, width, channels] of an image, [steps, symbols] of a text. */
  inputShape: readonly number[];
  classes: number;
  /** Plural noun for its examples: `images`, `passages`. */
  unit: string;
  /** The validation metric by which trainings on it are compared. Default: accuracy. */
  metric?: Metric;
  /** The official files; null when the dataset is part of the installation or of a package. */
  downloads: readonly Download[] | null;
  /**
   * Paths of the files that `read` reads.
   *
   * @throws MissingFileError when one does not exist.
   */
  locate(directory: string): string[];
  /**
   * Reads both splits.
   *
   * @throws MissingFileError when a file does not exist, CorruptFileError when its content is invalid.
   */
  read(directory: string): DataParts;
}

/**
 * The first of several paths under a directory that exists.
 *
 * @param name of the dataset, for the error.
 * @throws {@link MissingFileError} when none does.
 */
export function locateFile(directory: string, candidates: readonly string[], name: string): string {
  const path = candidates.map((candidate) => join(directory, candidate)).find((candidate) => existsSync(candidate));
  if (path !== undefined) return path;
  throw new MissingFileError({
    what: `${name} has no ${candidates[0]}`,
    where: directory,
    remedy: `download it with \`wnn data get ${name}\`, or take it from a directory that has the files: \`wnn data get ${name} --from DIRECTORY\``,
  });
}
