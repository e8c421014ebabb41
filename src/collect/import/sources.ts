// From what a user names, files and directories, to the checkpoints and their importer.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InsufficientDataError, MissingFileError, UsageError } from '../../errors.js';
import { compareNaturally } from '../../naturalOrder.js';
import type { CheckpointImporter } from '../importers/importer.js';
import { isPickleName, PickleError, recognize } from './recognize.js';

/** A checkpoint to be read. */
export interface Source {
  path: string;
  /** What it is called without the endings that tell its format; where all files have the same name, with its directory. */
  name: string;
  importer: CheckpointImporter;
}

/** Directories that hold more are not meant: each of their entries is looked at. */
const MAX_ENTRIES = 100_000;

/** The name that carries the number: with that of the directory where the file's has none (`epoch-3/model.json`). */
function nameOf(path: string, { ending }: CheckpointImporter): string {
  const stem = basename(path).replace(ending, '');
  return /\d/.test(stem) ? stem : `${basename(dirname(path))}/${stem}`;
}

const sourceOf = (path: string, importer: CheckpointImporter): Source => ({
  path,
  name: nameOf(path, importer),
  importer,
});

/** Without the files that are parts of a checkpoint which is there too. */
function leaveOutParts(sources: Source[]): Source[] {
  const parts = new Set(
    sources.flatMap(({ path, importer }) => (importer.listParts?.(path) ?? []).map((part) => resolve(part))),
  );
  return parts.size === 0 ? sources : sources.filter(({ path }) => !parts.has(resolve(path)));
}

interface Listing {
  sources: Source[];
  pickles: string[];
}

/** The checkpoints in a directory, and in its directories those that hold a single one. */
function listDirectory(
  directory: string,
  wanted: readonly CheckpointImporter[],
  importers: readonly CheckpointImporter[],
  depth: number,
): Listing {
  const entries = readdirSync(directory, { withFileTypes: true });
  if (entries.length > MAX_ENTRIES) {
    throw new UsageError({
      what: `${entries.length} files`,
      where: directory,
      remedy: 'name the checkpoints, or a directory that holds nothing else',
    });
  }
  const folder = wanted.find(({ folderFile }) => folderFile !== undefined && existsSync(join(directory, folderFile)));
  if (folder?.folderFile !== undefined)
    return { sources: [sourceOf(join(directory, folder.folderFile), folder)], pickles: [] };
  const listing: Listing = { sources: [], pickles: [] };
  for (const entry of entries.sort((a, b) => compareNaturally(a.name, b.name))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (depth > 0) continue;
      const { sources, pickles } = listDirectory(path, wanted, importers, depth + 1);
      if (sources.length === 1) listing.sources.push(...sources);
      else if (sources.length === 0 && pickles.length === 1) listing.pickles.push(...pickles);
    } else if (wanted.some(({ ending, folderFile }) => folderFile === undefined && ending.test(entry.name))) {
      listing.sources.push(sourceOf(path, recognize(path, importers)));
    } else if (isPickleName(entry.name)) listing.pickles.push(path);
  }
  return { ...listing, sources: leaveOutParts(listing.sources) };
}

/**
 * The checkpoints that a user named.
 *
 * @param paths files and directories.
 * @param format id of the importer of all files, whatever they are called; `auto`: by content, else by name.
 * @throws MissingFileError, {@link PickleError}; {@link UsageError} for an unknown format, and for files of no known format
 *   or of several; {@link InsufficientDataError} for directories without checkpoints.
 */
export function findSources(
  paths: readonly string[],
  format: string,
  importers: readonly CheckpointImporter[],
): Source[] {
  const wanted = format === 'auto' ? importers : importers.filter(({ id }) => id === format);
  if (wanted.length === 0) {
    throw new UsageError({
      what: `no format ${format}`,
      where: '--format',
      remedy: `choose from auto, ${importers.map(({ id }) => id).join(', ')}`,
    });
  }
  const named = paths.flatMap((path) => {
    if (!existsSync(path)) throw new MissingFileError({ what: 'no such file', where: path, remedy: 'check the path' });
    if (!statSync(path).isDirectory())
      return [sourceOf(path, format === 'auto' ? recognize(path, importers) : wanted[0])];
    const listing = listDirectory(path, wanted, importers, 0);
    if (listing.sources.length > 0) return listing.sources;
    if (listing.pickles.length > 0) throw new PickleError(listing.pickles[0]);
    throw new InsufficientDataError({
      what: 'no checkpoints',
      where: path,
      remedy: `name a directory that holds them: ${importers.map(({ describe }) => describe).join('; ')}`,
    });
  });
  const sources = leaveOutParts(named);
  const first = sources[0];
  const other = sources.find(({ importer }) => importer !== first.importer);
  if (first === undefined || other !== undefined) {
    throw new UsageError({
      what:
        first === undefined
          ? 'nothing to import'
          : `checkpoints of two formats, ${first.importer.id} and ${other?.importer.id}`,
      where: first === undefined ? 'wnn collect import' : `${first.path} and ${other?.path}`,
      remedy: 'name the checkpoints of one run; --format takes those of one format out of a directory',
    });
  }
  return sources;
}
