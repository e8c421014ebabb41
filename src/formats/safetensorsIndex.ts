// The index of a checkpoint in several .safetensors files (model.safetensors.index.json, as transformers and accelerate
// write it): which tensor stands in which file beside it. Opens none of those files.

import { readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { compareNaturally } from '../naturalOrder.js';
import { corruptFile } from './corruptFile.js';
import { withInputFile } from './inputFile.js';

/** How the names of indices end. */
export const INDEX_ENDING = /\.safetensors\.index\.json$/i;

/** What the format is called in errors. */
export const INDEX_FORMAT = 'safetensors index';

/** Room for the names of some hundred thousand tensors; what is longer is no index. */
const MAX_INDEX_BYTES = 100e6;

/** A file of a checkpoint, and the tensors that the index has in it. */
export interface Shard {
  path: string;
  names: ReadonlySet<string>;
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/**
 * The files of a checkpoint, in the natural order of their names.
 *
 * @param text the content of the index.
 * @param path where it stands; the files are beside it.
 * @throws CorruptFileError when it is no index, or names files elsewhere.
 */
function parseIndex(text: string, path: string): Shard[] {
  let index: unknown;
  try {
    index = JSON.parse(text);
  } catch (error) {
    throw corruptFile(path, INDEX_FORMAT, 'it is not JSON', error);
  }
  const map = isObject(index) ? index.weight_map : undefined;
  if (!isObject(map)) throw corruptFile(path, INDEX_FORMAT, 'it has no weight_map');
  const namesOf = new Map<string, Set<string>>();
  for (const [name, file] of Object.entries(map)) {
    // Files beside the index only: what it names is not to reach elsewhere.
    if (typeof file !== 'string' || !/^[^/\\:\0]+$/.test(file) || file === '..' || file === '.')
      throw corruptFile(path, INDEX_FORMAT, `${JSON.stringify(file)} is no file beside it`);
    const names = namesOf.get(file) ?? new Set();
    namesOf.set(file, names.add(name));
  }
  if (namesOf.size === 0) throw corruptFile(path, INDEX_FORMAT, 'its weight_map is empty');
  return [...namesOf.keys()]
    .sort(compareNaturally)
    .map((file) => ({ path: join(dirname(path), file), names: namesOf.get(file) as Set<string> }));
}

/**
 * Reads an index. @returns the files of the checkpoint, in the natural order of their names.
 *
 * @throws CorruptFileError, MissingFileError
 */
export function readIndex(path: string): Promise<Shard[]> {
  return withInputFile(path, INDEX_FORMAT, ({ bytes, read }) => {
    if (bytes > MAX_INDEX_BYTES) throw corruptFile(path, INDEX_FORMAT, `${bytes} bytes are too many for one`);
    return parseIndex(new TextDecoder().decode(read(0, bytes)), path);
  });
}

/**
 * The files that an index names. None when it cannot be read, which its importer will say.
 *
 * @throws the errors of {@link parseIndex}.
 */
export function listShards(path: string): string[] {
  let text: string;
  try {
    if (statSync(path).size > MAX_INDEX_BYTES) return [];
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return parseIndex(text, path).map((shard) => shard.path);
}
