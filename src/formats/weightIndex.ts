// The index of a checkpoint in several files (model.safetensors.index.json, pytorch_model.bin.index.json, as transformers
// and accelerate write them; model.weights.json of Keras): which tensor stands in which file beside it. Opens none of
// those files.

import { existsSync, readFileSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { compareNaturally } from '../naturalOrder.js';
import { corruptFile } from './corruptFile.js';
import { withInputFile } from './inputFile.js';
import { parseJson } from './parseJson.js';

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
export function parseIndex(text: string, path: string, format: string): Shard[] {
  let index: unknown;
  try {
    index = parseJson(text);
  } catch (error) {
    throw corruptFile(path, format, 'it is not JSON', error);
  }
  const map = isObject(index) ? index.weight_map : undefined;
  if (!isObject(map)) throw corruptFile(path, format, 'it has no weight_map');
  const namesOf = new Map<string, Set<string>>();
  for (const [name, files] of Object.entries(map)) {
    // Keras lists several files where a layer is divided among them.
    for (const file of Array.isArray(files) ? files : [files]) {
      // Files beside the index only: what it names is not to reach elsewhere.
      if (typeof file !== 'string' || !/^[^/\\:\0]+$/.test(file) || file === '..' || file === '.')
        throw corruptFile(path, format, `${JSON.stringify(file)} is no file beside it`);
      const names = namesOf.get(file) ?? new Set();
      namesOf.set(file, names.add(name));
    }
  }
  if (namesOf.size === 0) throw corruptFile(path, format, 'its weight_map is empty');
  return [...namesOf.keys()]
    .sort(compareNaturally)
    .map((file) => ({ path: join(dirname(path), file), names: namesOf.get(file) as Set<string> }));
}

/**
 * Reads an index.
 *
 * @param format what to call it in errors.
 * @returns the files of the checkpoint, in the natural order of their names; all are there.
 * @throws CorruptFileError, MissingFileError
 */
export async function readIndex(path: string, format: string): Promise<Shard[]> {
  const shards = await withInputFile(path, format, ({ bytes, read }) => {
    if (bytes > MAX_INDEX_BYTES) throw corruptFile(path, format, `${bytes} bytes are too many for one`);
    return parseIndex(new TextDecoder().decode(read(0, bytes)), path, format);
  });
  const missing = shards.filter((shard) => !existsSync(shard.path));
  if (missing.length > 0) {
    const names = missing.slice(0, 3).map((shard) => basename(shard.path));
    const others = missing.length > 3 ? ` and ${missing.length - 3} others` : '';
    const verb = missing.length > 1 ? 'are' : 'is';
    const problem = `of its ${shards.length} files ${names.join(', ')}${others} ${verb} not beside it`;
    throw corruptFile(path, format, problem);
  }
  return shards;
}

/**
 * The files that an index names. None when it cannot be read, which its importer will say.
 *
 * @throws the CorruptFileError of an index that is none.
 */
export function listShards(path: string, format: string): string[] {
  let text: string;
  try {
    if (statSync(path).size > MAX_INDEX_BYTES) return [];
    text = readFileSync(path, 'utf8');
  } catch {
    return [];
  }
  return parseIndex(text, path, format).map((shard) => shard.path);
}

/** Checks that a file of a checkpoint holds the tensors that the index has in it, and no others. */
export function checkShard({ path, names }: Shard, there: readonly string[], format: string, indexPath: string): void {
  const lacking = [...names].find((name) => !there.includes(name));
  const extra = there.find((name) => !names.has(name));
  if (lacking !== undefined) throw corruptFile(path, format, `${lacking} is missing, which ${indexPath} has in it`);
  if (extra !== undefined)
    throw corruptFile(path, format, `${extra} stands in it, but ${indexPath} does not have it there`);
}
