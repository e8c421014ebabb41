// Imports TensorFlow.js models: model.json with its weight files beside it. Only the weights are read, not the topology.

import { existsSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { corruptFile } from '../../formats/corruptFile.js';
import { decodeFloats } from '../../formats/floats.js';
import { type InputFile, MAX_BYTES_IN_MEMORY, readWholeFile, withInputFile } from '../../formats/inputFile.js';
import { parseJson } from '../../formats/parseJson.js';
import type { CheckpointImporter, ListedTensor } from './importer.js';

const FORMAT = 'tfjs model';
const ELEMENT_BYTES: Record<string, number> = { float32: 4, float16: 2, int32: 4, bool: 1, uint8: 1, uint16: 2 };

/** How a weight was made smaller: halves, or whole numbers with `value = number * scale + min`. */
interface Quantization {
  dtype: 'uint8' | 'uint16' | 'float16';
  scale: number;
  min: number;
}

interface WeightEntry {
  name: string;
  shape: number[];
  isFloat: boolean;
  isOptimizer: boolean;
  quantization: Quantization | null;
  bytes: number;
}

/** Weights that follow one another through the files of a group. */
interface WeightGroup {
  paths: string[];
  weights: WeightEntry[];
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** An invalid model.json. */
class ManifestProblem extends Error {}

function parseWeight(value: unknown): WeightEntry {
  if (!isObject(value) || typeof value.name !== 'string') throw new ManifestProblem('a weight has no name');
  const { name, shape, dtype, group } = value;
  if (!Array.isArray(shape) || shape.length > 64 || !shape.every((size) => Number.isSafeInteger(size) && size >= 0))
    throw new ManifestProblem(`${name} has no valid shape`);
  const quantization = value.quantization === undefined ? null : parseQuantization(name, value.quantization);
  if (typeof dtype !== 'string' || !Object.hasOwn(ELEMENT_BYTES, dtype))
    throw new ManifestProblem(`${name} has the type ${String(dtype)}, whose length is not known`);
  const bytes = shape.reduce((product, size) => product * size, ELEMENT_BYTES[quantization?.dtype ?? dtype]);
  return { name, shape, isFloat: /^float/.test(dtype), isOptimizer: group === 'optimizer', quantization, bytes };
}

function parseQuantization(name: string, value: unknown): Quantization {
  const { dtype, scale = 1, min = 0 } = isObject(value) ? value : {};
  const known = dtype === 'uint8' || dtype === 'uint16' || dtype === 'float16';
  if (!known || typeof scale !== 'number' || typeof min !== 'number')
    throw new ManifestProblem(`${name} is quantized in a way that is not known`);
  return { dtype, scale, min };
}

function parseGroups(text: string): WeightGroup[] {
  let model: unknown;
  try {
    model = parseJson(text);
  } catch {
    throw new ManifestProblem('it is not JSON');
  }
  const manifest = isObject(model) ? model.weightsManifest : undefined;
  if (!Array.isArray(manifest)) throw new ManifestProblem('it has no weightsManifest');
  return manifest.map((group) => {
    if (!isObject(group) || !Array.isArray(group.paths) || !Array.isArray(group.weights))
      throw new ManifestProblem('a group of its weightsManifest lacks paths or weights');
    for (const path of group.paths) {
      // Files beside the model only: what a model.json names is not to reach elsewhere.
      // Browsers write `./model.weights.bin`.
      if (typeof path !== 'string' || !/^(\.\/)?[^/\\:\0]+$/.test(path) || /^(\.\/)?\.\.?$/.test(path))
        throw new ManifestProblem(`${JSON.stringify(path)} is no file beside it`);
    }
    return { paths: group.paths as string[], weights: group.weights.map(parseWeight) };
  });
}

function decodeValues(data: Uint8Array<ArrayBuffer>, quantization: Quantization | null): Float32Array {
  if (quantization === null) return decodeFloats(data, 'f32');
  const { dtype, scale, min } = quantization;
  switch (dtype) {
    case 'float16':
      return decodeFloats(data, 'f16');
    case 'uint8':
      return Float32Array.from(data, (x) => x * scale + min);
    case 'uint16':
      return Float32Array.from(new Uint16Array(data.buffer), (x) => x * scale + min);
    default:
      return dtype satisfies never;
  }
}

/** Opens all files of a group, first to last, and hands them on; so a weight may begin in one and end in the next. */
async function withFiles<T>(
  paths: string[],
  use: (files: InputFile[]) => T | Promise<T>,
  opened: InputFile[] = [],
): Promise<T> {
  if (opened.length === paths.length) return use(opened);
  return withInputFile(paths[opened.length], FORMAT, (file) => withFiles(paths, use, [...opened, file]));
}

function readAcross(files: InputFile[], begin: number, end: number): Uint8Array<ArrayBuffer> {
  const target = new Uint8Array(end - begin);
  let fileBegin = 0;
  for (const { bytes, read } of files) {
    const from = Math.max(begin, fileBegin);
    const to = Math.min(end, fileBegin + bytes);
    if (from < to) target.set(read(from - fileBegin, to - fileBegin), from - begin);
    fileBegin += bytes;
  }
  return target;
}

/** Checks a group against its files, which are open. */
function listGroup({ paths, weights }: WeightGroup, files: InputFile[], path: string): ListedTensor[] {
  const there = files.reduce((sum, { bytes }) => sum + bytes, 0);
  const claimed = weights.reduce((sum, { bytes }) => sum + bytes, 0);
  if (claimed !== there || there > MAX_BYTES_IN_MEMORY)
    throw corruptFile(path, FORMAT, `its weights should have ${claimed} bytes, ${paths.join(', ')} has ${there}`);
  let next = 0;
  return weights.map(({ name, shape, isFloat, isOptimizer, quantization, bytes }) => {
    const begin = next;
    next += bytes;
    return {
      name,
      shape,
      type: isFloat ? 'f32' : 'whole',
      isOptimizer,
      read: () => decodeValues(readAcross(files, begin, begin + bytes), quantization),
    };
  });
}

/** Opens the groups one inside the other, so that all files are open while the checkpoint is read. */
async function withGroups<T>(
  groups: WeightGroup[],
  path: string,
  use: (tensors: ListedTensor[]) => Promise<T>,
): Promise<T> {
  const [group, ...others] = groups;
  if (group === undefined) return use([]);
  const files = group.paths.map((name) => join(dirname(path), name));
  const missing = files.findIndex((file) => !existsSync(file));
  if (missing >= 0) throw corruptFile(path, FORMAT, `${group.paths[missing]} is not beside it`);
  return withFiles(files, (opened) => {
    const tensors = listGroup(group, opened, path);
    return withGroups(others, path, (rest) => use([...tensors, ...rest]));
  });
}

/** A `model.json` that TensorFlow.js saved. */
export const tfjsImporter: CheckpointImporter = {
  id: 'tfjs',
  describe: 'model.json of TensorFlow.js with its weights beside it',
  ending: /(^|[\\/])model\.json$/i,
  sharedEnding: /\.json$/i,
  folderFile: 'model.json',
  recognizes: ({ text }) => /^\s*\{\s*"(modelTopology|weightsManifest|format|generatedBy|convertedBy)"/.test(text),
  listParts: (path) => {
    try {
      const groups = parseGroups(readFileSync(path, 'utf8'));
      return groups.flatMap(({ paths }) => paths.map((name) => join(dirname(path), name)));
    } catch {
      // Reading it will report the error.
      return [];
    }
  },
  open: async (path, take) => {
    const text = new TextDecoder().decode(await readWholeFile(path, FORMAT));
    let groups: WeightGroup[];
    try {
      groups = parseGroups(text);
    } catch (error) {
      if (error instanceof ManifestProblem) throw corruptFile(path, FORMAT, error.message);
      throw error;
    }
    await withGroups(groups, path, (tensors) => take({ tensors }));
  },
};
