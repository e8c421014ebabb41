// From what a user names, files and directories, to the checkpoints and their format. Opens no checkpoint but to look at
// the first bytes of one whose name says nothing.

import { closeSync, existsSync, openSync, readdirSync, readSync, statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { InsufficientDataError, MissingFileError, UsageError, WnnError } from '../../errors.js';
import { IMPORT_FORMATS, type ImportFormat } from './checkpoint.js';
import { compareNaturally } from './order.js';
import { INDEX_ENDING, listShards } from './safetensorsIndex.js';

/** A checkpoint to be read. */
export interface Source {
  path: string;
  /** What it is called without the endings that tell its format; of a model.json, its directory. */
  name: string;
  format: ImportFormat;
}

const MODEL_JSON = 'model.json';
const ENDINGS: [ending: RegExp, format: ImportFormat][] = [
  [/(\.weights)?\.(h5|hdf5)$/i, 'h5'],
  [/\.keras$/i, 'keras'],
  [/\.safetensors$/i, 'safetensors'],
  [INDEX_ENDING, 'safetensors'],
  [/\.npz$/i, 'npz'],
  [/\.json$/i, 'tfjs'],
  [/\.mat$/i, 'mat'],
];
const PICKLE_ENDINGS = /\.(pt|pth|ckpt|bin|pkl|pickle)$/i;
const HDF5_MAGIC = '\x89HDF';
const ZIP_MAGIC = 'PK\x03\x04';

/** Directories that hold more are not meant: each of their entries is looked at. */
const MAX_ENTRIES = 100_000;

/** The line of Python that makes a safetensors file of a pickle. Paths that a shell might read otherwise become x. */
function conversionOf(path: string): string {
  const source = /^[\w./ @%+=:,~-]+$/.test(path) ? path : 'x.pt';
  const target = `${source.replace(PICKLE_ENDINGS, '')}.safetensors`;
  return (
    `python -c "import torch, safetensors.torch as s; d = torch.load('${source}', map_location='cpu', weights_only=True); ` +
    `s.save_file({k: v.clone().contiguous() for k, v in d.get('state_dict', d).items() if torch.is_tensor(v)}, '${target}')"`
  );
}

/** A pickle was given: a program that its reader would have to run. */
export class PickleError extends WnnError {
  constructor(path: string) {
    super({
      what: 'pickles are never executed',
      where: path,
      remedy: `make a safetensors file of it where you trust it: ${conversionOf(path)}`,
    });
  }
}

/** The ending of a name by which its format is known. */
function findEnding(name: string): { stem: string; format: ImportFormat } | null {
  const known = ENDINGS.find(([ending]) => ending.test(name));
  return known ? { stem: name.replace(known[0], ''), format: known[1] } : null;
}

/** The name that carries the number: that of the directory where all files have the same (`epoch-3/model.json`). */
function nameOf(path: string): string {
  const name = basename(path);
  const stem = findEnding(name)?.stem ?? name;
  return /\d/.test(stem) ? stem : `${basename(dirname(path))}/${stem}`;
}

/** Every protocol from 2 on opens with its number, behind the byte 0x80. */
function looksLikePickle(start: Uint8Array): boolean {
  return start[0] === 0x80 && start[1] >= 2 && start[1] <= 5;
}

/** Name of a zip archive's first entry, which stands behind 30 bytes of header. */
function firstZipEntry(start: Buffer): string {
  return start.toString('latin1', 30, 30 + start.readUInt16LE(26));
}

/** The format of a file by its first bytes. */
function recognize(path: string): ImportFormat | null {
  const start = Buffer.alloc(512);
  let length: number;
  let descriptor: number | undefined;
  try {
    if (!statSync(path).isFile()) return null;
    descriptor = openSync(path, 'r');
    length = readSync(descriptor, start);
  } catch {
    return null;
  } finally {
    if (descriptor !== undefined) closeSync(descriptor);
  }
  const text = start.toString('latin1', 0, length);
  if (looksLikePickle(start)) throw new PickleError(path);
  if (text.startsWith(HDF5_MAGIC)) return 'h5';
  if (text.startsWith('MATLAB')) return 'mat';
  if (text.startsWith(ZIP_MAGIC)) {
    const entry = firstZipEntry(start);
    // What torch.save writes first.
    if (/\/(data\.pkl|\.format_version)$/.test(entry)) throw new PickleError(path);
    return entry.endsWith('.npy') ? 'npz' : 'keras';
  }
  if (/^\s*\{/.test(text)) return 'tfjs';
  return text[8] === '{' ? 'safetensors' : null;
}

/** The format of one file that the user named. */
function detectFormat(path: string): ImportFormat {
  const name = basename(path);
  if (PICKLE_ENDINGS.test(name)) throw new PickleError(path);
  const format = findEnding(name)?.format ?? recognize(path);
  if (format === null) {
    throw new UsageError({
      what: 'not a checkpoint of a known format',
      where: path,
      remedy: `say which with --format ${IMPORT_FORMATS.join('|')}`,
    });
  }
  // Keras 2 wrote HDF5 under any name.
  return format === 'keras' && recognize(path) === 'h5' ? 'h5' : format;
}

interface Listing {
  sources: Source[];
  pickles: string[];
}

/** Without the files that are parts of a checkpoint whose index is there too. */
function leaveOutShards(sources: Source[]): Source[] {
  const shards = new Set(
    sources.flatMap(({ path }) => (INDEX_ENDING.test(path) ? listShards(path).map((shard) => resolve(shard)) : [])),
  );
  return shards.size === 0 ? sources : sources.filter(({ path }) => !shards.has(resolve(path)));
}

/** The checkpoints in a directory, and in its directories those that hold a single one. */
function listDirectory(directory: string, format: 'auto' | ImportFormat, depth: number): Listing {
  const entries = readdirSync(directory, { withFileTypes: true });
  if (entries.length > MAX_ENTRIES) {
    throw new UsageError({
      what: `${entries.length} files`,
      where: directory,
      remedy: 'name the checkpoints, or a directory that holds nothing else',
    });
  }
  const listing: Listing = { sources: [], pickles: [] };
  const add = (path: string) => {
    const found = findEnding(basename(path))?.format;
    if (found !== undefined && (format === 'auto' || format === found))
      listing.sources.push({ path, name: nameOf(path), format: detectFormat(path) });
    else if (PICKLE_ENDINGS.test(path)) listing.pickles.push(path);
  };
  if ((format === 'auto' || format === 'tfjs') && existsSync(join(directory, MODEL_JSON))) {
    add(join(directory, MODEL_JSON));
    return listing;
  }
  for (const entry of entries.sort((a, b) => compareNaturally(a.name, b.name))) {
    const path = join(directory, entry.name);
    if (entry.isDirectory()) {
      if (depth > 0) continue;
      const { sources, pickles } = listDirectory(path, format, depth + 1);
      if (sources.length === 1) listing.sources.push(...sources);
      else if (sources.length === 0 && pickles.length === 1) listing.pickles.push(...pickles);
    } else if (!entry.name.endsWith('.json') || INDEX_ENDING.test(entry.name)) add(path);
  }
  return { ...listing, sources: leaveOutShards(listing.sources) };
}

/**
 * The checkpoints that a user named.
 *
 * @param paths files and directories.
 * @param format the format of all files, whatever they are called; `auto`: by name, else by content.
 * @throws MissingFileError, {@link PickleError}; {@link UsageError} for files of no known format or of several;
 *   {@link InsufficientDataError} for directories without checkpoints.
 */
export function findSources(paths: readonly string[], format: 'auto' | ImportFormat): Source[] {
  const named = paths.flatMap((path) => {
    if (!existsSync(path)) throw new MissingFileError({ what: 'no such file', where: path, remedy: 'check the path' });
    if (!statSync(path).isDirectory()) {
      return [{ path, name: nameOf(path), format: format === 'auto' ? detectFormat(path) : format }];
    }
    const listing = listDirectory(path, format, 0);
    if (listing.sources.length > 0) return listing.sources;
    if (listing.pickles.length > 0) throw new PickleError(listing.pickles[0]);
    throw new InsufficientDataError({
      what: 'no checkpoints',
      where: path,
      remedy:
        'name a directory that holds them: .h5, .keras, .safetensors (or its index), .npz, .mat, or directories with a model.json',
    });
  });
  const sources = leaveOutShards(named);
  const first = sources[0];
  const other = sources.find((source) => source.format !== first.format);
  if (first === undefined || other !== undefined) {
    throw new UsageError({
      what:
        first === undefined ? 'nothing to import' : `checkpoints of two formats, ${first.format} and ${other?.format}`,
      where: first === undefined ? 'wnn collect import' : `${first.path} and ${other?.path}`,
      remedy: 'name the checkpoints of one run; --format takes those of one format out of a directory',
    });
  }
  return sources;
}
