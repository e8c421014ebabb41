// From what a user names, files and directories, to the checkpoints and their importer.

import { type Dirent, existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InsufficientDataError, MissingFileError, UsageError, type WnnError } from '../../errors.js';
import { compareNaturally } from '../../naturalOrder.js';
import type { NoteListener } from '../../progress.js';
import { quantity } from '../../quantity.js';
import type { CheckpointImporter } from '../importers/importer.js';
import { REFUSED_FORMATS } from '../importers/refused.js';
import { fits } from './pattern.js';
import { mayBe, recognize } from './recognize.js';

/** A checkpoint to be read. */
export interface Source {
  path: string;
  importer: CheckpointImporter;
}

/** Options of {@link findSources}. */
export interface FindOptions {
  /** Id of the importer of all files, whatever they are called; `auto`: by content, else by name. */
  format: string;
  importers: readonly CheckpointImporter[];
  /** Pattern of the names of files to take out of directories. Default: all. */
  select?: string;
  onNote?: NoteListener;
}

/** Directories that hold more are not meant: each of their entries is looked at. */
const MAX_ENTRIES = 100_000;
/** How deep checkpoints stand under a directory: `run/checkpoint-500/model.safetensors`. */
const MAX_DEPTH = 1;

/** What stands beside the weights in the directories of Trainer, Accelerate, DeepSpeed and Lightning. */
const SIDE_FILES =
  /^(optimi[sz]er|optim|scheduler|lr_scheduler|(grad_)?scaler|sampler|training_args|rng_state|random_states|custom_checkpoint|dl_state|trainer_state|hparams)([._-]?\d+)*\.\w+$|_optim_states\.pt$/i;

/** Without the files that are parts of a checkpoint which is there too. */
function leaveOutParts(sources: Source[]): Source[] {
  const parts = partsOf(sources);
  return parts.size === 0 ? sources : sources.filter(({ path }) => !parts.has(resolve(path)));
}

function partsOf(sources: Source[]): Set<string> {
  return new Set(
    sources.flatMap(({ path, importer }) => (importer.listParts?.(path) ?? []).map((part) => resolve(part))),
  );
}

/** What a directory holds. */
interface Listing {
  sources: Source[];
  /** Directories in it that hold several checkpoints. */
  crowded: Source[][];
  refusals: WnnError[];
  /** Files whose names are those of checkpoints, and whose content is none. */
  unknown: string[];
  /** Files with the state of optimizers and the like. */
  side: string[];
}

function readEntries(directory: string): Dirent[] {
  const entries = readdirSync(directory, { withFileTypes: true });
  if (entries.length > MAX_ENTRIES) {
    throw new UsageError({
      what: `${quantity(entries.length, 'file')}`,
      where: directory,
      remedy: 'name the checkpoints, or a directory that holds nothing else',
    });
  }
  return entries.sort((a, b) => compareNaturally(a.name, b.name));
}

/** Finds the checkpoints in a directory, and in its directories those that hold a single one. */
class Finder {
  readonly #wanted: readonly CheckpointImporter[];
  readonly #options: FindOptions;

  constructor(wanted: readonly CheckpointImporter[], options: FindOptions) {
    this.#wanted = wanted;
    this.#options = options;
  }

  list(directory: string, depth = 0): Listing {
    const listing: Listing = { sources: [], crowded: [], refusals: [], unknown: [], side: [] };
    const isThere = (file: string) => existsSync(join(directory, file));
    const importer = this.#wanted.find(({ folderFile }) => folderFile !== undefined && isThere(folderFile));
    if (importer !== undefined) {
      listing.sources.push({ path: join(directory, importer.folderFile as string), importer });
      return listing;
    }
    for (const { folderFiles, refusal } of REFUSED_FORMATS) {
      const file = folderFiles?.find(isThere);
      if (file === undefined) continue;
      listing.refusals.push(refusal(join(directory, file)));
      return listing;
    }
    for (const entry of readEntries(directory)) {
      // What systems put beside files: `._epoch_1.pt`.
      if (entry.name.startsWith('.')) continue;
      const path = join(directory, entry.name);
      if (!entry.isDirectory()) this.#addFile(listing, path);
      else if (depth < MAX_DEPTH) addDirectory(listing, this.list(path, depth + 1));
    }
    const parts = partsOf(listing.sources);
    listing.sources = listing.sources.filter(({ path }) => !parts.has(resolve(path)));
    listing.unknown = listing.unknown.filter((path) => !parts.has(resolve(path)));
    return listing;
  }

  #addFile(listing: Listing, path: string): void {
    const name = basename(path);
    const isRefused = REFUSED_FORMATS.some(({ ending }) => ending.test(name));
    if (!isRefused && !this.#wanted.some((importer) => mayBe(importer, name))) return;
    if (this.#options.select !== undefined && !fits(name, this.#options.select)) return;
    if (SIDE_FILES.test(name)) {
      listing.side.push(name);
      return;
    }
    const recognized = recognize(path, this.#options.importers);
    if (recognized === null) {
      // Files of JSON are mostly settings.
      if (!name.endsWith('.json')) listing.unknown.push(path);
    } else if ('refusal' in recognized) listing.refusals.push(recognized.refusal);
    else if (this.#wanted.includes(recognized.importer)) listing.sources.push({ path, importer: recognized.importer });
  }
}

function addDirectory(listing: Listing, inner: Listing): void {
  if (inner.sources.length === 1) listing.sources.push(...inner.sources);
  else if (inner.sources.length > 1) listing.crowded.push(inner.sources);
  else listing.refusals.push(...inner.refusals);
  listing.unknown.push(...inner.unknown);
  listing.side.push(...inner.side);
}

/** Several checkpoints in each directory: two models of one job, or several runs. */
function crowdedError(directory: string, [first, ...others]: Source[][]): UsageError {
  const names = first.slice(0, 3).map(({ path }) => basename(path));
  const more = first.length > 3 ? ` and ${first.length - 3} more` : '';
  return new UsageError({
    what: `${others.length > 0 ? 'each of its directories holds' : 'a directory in it holds'} several checkpoints, ${names.join(', ')}${more}`,
    where: others.length > 0 ? directory : dirname(first[0].path),
    remedy: `choose those of one model with --select '${names[0]}', or name the directory of one run`,
  });
}

function listDirectory(directory: string, finder: Finder, options: FindOptions): Source[] {
  const { sources, crowded, refusals, unknown, side } = finder.list(directory);
  const { onNote } = options;
  if (sources.length < 2 && crowded.length > 0) throw crowdedError(directory, crowded);
  if (sources.length === 0 && refusals.length > 0) throw refusals[0];
  if (sources.length === 0) {
    throw new InsufficientDataError({
      what: unknown.length > 0 ? `no checkpoints (${basename(unknown[0])} is of no known format)` : 'no checkpoints',
      where: directory,
      remedy: `name a directory that holds them: ${options.importers.map(({ describe }) => describe).join('; ')}`,
    });
  }
  const ending = (path: string) => /\.[^.]*$/.exec(path)?.[0];
  const alike = refusals.find(({ where }) => sources.some(({ path }) => ending(path) === ending(where)));
  if (alike !== undefined) throw alike;
  const listed = (names: readonly string[]) =>
    `${[...new Set(names)].slice(0, 4).join(', ')}${new Set(names).size > 4 ? ', ...' : ''}`;
  if (side.length > 0) onNote?.(`left out files beside the weights: ${listed(side)}`);
  if (unknown.length > 0) onNote?.(`left out files of no known format: ${listed(unknown)}`);
  if (refusals.length > 0) onNote?.(`left out, for ${refusals[0].what}: ${listed(refusals.map(({ where }) => where))}`);
  if (crowded.length > 0)
    onNote?.(`left out directories of several checkpoints: ${listed(crowded.map(([{ path }]) => dirname(path)))}`);
  return sources;
}

function recognizeNamed(path: string, { format, importers }: FindOptions, wanted: CheckpointImporter): Source {
  if (format !== 'auto') return { path, importer: wanted };
  const recognized = recognize(path, importers);
  if (recognized === null) {
    throw new UsageError({
      what: 'not a checkpoint of a known format',
      where: path,
      remedy: `say which with --format ${importers.map(({ id }) => id).join('|')}`,
    });
  }
  if ('refusal' in recognized) throw recognized.refusal;
  return { path, importer: recognized.importer };
}

/**
 * The checkpoints that a user named.
 *
 * @param paths files and directories.
 * @throws MissingFileError; {@link UsageError} for an unknown format, and for files of no known format or of several;
 *   {@link InsufficientDataError} for directories without checkpoints; RefusedFormatError with the line that converts.
 */
export function findSources(paths: readonly string[], options: FindOptions): Source[] {
  const { format, importers } = options;
  const wanted = format === 'auto' ? importers : importers.filter(({ id }) => id === format);
  if (wanted.length === 0) {
    throw new UsageError({
      what: `no format ${format}`,
      where: '--format',
      remedy: `choose from auto, ${importers.map(({ id }) => id).join(', ')}`,
    });
  }
  const finder = new Finder(wanted, options);
  const named = paths.flatMap((path) => {
    if (!existsSync(path)) throw new MissingFileError({ what: 'no such file', where: path, remedy: 'check the path' });
    return statSync(path).isDirectory()
      ? listDirectory(path, finder, options)
      : [recognizeNamed(path, options, wanted[0])];
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
