// Takes HDF5 files apart in a thread of its own. The HDF5 library is compiled C: a corrupt file can trap it or keep it
// busy for ever, and a thread can be ended. Knows Keras's two layouts of weights, not what network they belong to.

import { parentPort } from 'node:worker_threads';
import type { Entity, File as H5File, Group as H5Group } from 'h5wasm';
import { numberOfHalf } from '../formats/half.js';
import type { H5Layer, H5Reply, H5Request } from './h5Protocol.js';

/** No array of a nowcaster comes near it; guards against absurd sizes in corrupt files. */
const MAX_ELEMENTS = 1_000_000;
const MAX_NAME_BYTES = 1_000_000;
const MAX_LAYERS = 1_000;

// Before the library loads and keeps them: it prints every error that it also reports.
console.error = () => {};
console.warn = () => {};
const { File, Group, ready } = await import('h5wasm');
const module = await ready;

/** What is wrong with the content of a file, for people. */
class ContentError extends Error {}

/** IEEE 754 numbers of 2, 4 or 8 bytes, little-endian, as float32. */
function decodeFloats(bytes: Uint8Array, size: number): Float32Array {
  const { buffer } = bytes;
  if (size === 4) return new Float32Array(buffer as ArrayBuffer);
  if (size === 8) return Float32Array.from(new Float64Array(buffer as ArrayBuffer));
  return Float32Array.from(new Uint16Array(buffer as ArrayBuffer), numberOfHalf);
}

/** Reads a dataset of floats of any precision, byte order, chunking and compression that HDF5 itself can read. */
function readFloats(file: H5File, path: string): { shape: number[]; values: Float32Array } {
  const { type, size, shape, total_size: count } = module.get_dataset_metadata(file.file_id, path);
  if (type !== module.H5T_class_t.H5T_FLOAT.value || ![2, 4, 8].includes(size))
    throw new ContentError(`${path} does not hold floats of 16, 32 or 64 bits`);
  if (shape === null || count > MAX_ELEMENTS) throw new ContentError(`${path} has an impossible size`);
  const bytes = count * size;
  const pointer = module._malloc(Math.max(bytes, 1));
  try {
    const status = module.get_dataset_data(file.file_id, path, null, null, null, BigInt(pointer));
    if (status < 0) throw new ContentError(`${path} cannot be decoded`);
    return { shape, values: decodeFloats(module.HEAPU8.slice(pointer, pointer + bytes), size) };
  } finally {
    module._free(pointer);
  }
}

/** Reads an attribute that lists strings, of fixed or variable length. An empty list may be of any type. */
function readStrings(file: H5File, path: string, name: string): string[] {
  const { type, size, total_size: count, shape } = module.get_attribute_metadata(file.file_id, path, name);
  if (shape === null || count === 0) return [];
  if (type !== module.H5T_class_t.H5T_STRING.value || count * size > MAX_NAME_BYTES)
    throw new ContentError(`attribute ${name} of ${path} is not a list of names`);
  const group = new Group(file.file_id, path);
  const value = group.get_attribute(name, false);
  const strings = Array.isArray(value) ? value : [value];
  if (!strings.every((text) => typeof text === 'string'))
    throw new ContentError(`attribute ${name} of ${path} is not a list of names`);
  // Strings padded with blanks are as good as those padded with zeros.
  return strings.map((text) => text.trimEnd());
}

const hasAttribute = (file: H5File, path: string, name: string) =>
  module.get_attribute_names(file.file_id, path).includes(name);

/** Keras 2: the root (of weights) or `model_weights` (of a whole model) lists its layers, each its weights. */
function readKeras2(file: H5File, root: string): H5Layer[] {
  const names = readStrings(file, root, 'layer_names');
  if (names.length > MAX_LAYERS) throw new ContentError(`${names.length} layers`);
  return names.map((name) => {
    const path = `${root}/${name}`.replace('//', '/');
    if (!(file.get(path) instanceof Group)) throw new ContentError(`layer ${name} is listed but missing`);
    const arrays = readStrings(file, path, 'weight_names');
    return { name, arrays: arrays.map((array) => ({ name: array, ...readFloats(file, `${path}/${array}`) })) };
  });
}

/** Keras 3 numbers layers of a class in the order of the model: `dense`, `dense_1`, ... */
function readKeras3(file: H5File, root: string): H5Layer[] {
  const keys = (file.get(root) as H5Group).keys();
  if (keys.length > MAX_LAYERS) throw new ContentError(`${keys.length} layers`);
  const numbered = keys.map((key) => ({ key, match: /^dense(?:_(\d+))?$/.exec(key) })).filter(({ match }) => match);
  numbered.sort((a, b) => Number(a.match?.[1] ?? 0) - Number(b.match?.[1] ?? 0));
  return numbered.map(({ key }) => {
    const variables: Entity | null = file.get(`${root}/${key}/vars`);
    if (!(variables instanceof Group)) throw new ContentError(`layer ${key} has no vars`);
    const arrays = variables.keys().sort((a, b) => Number(a) - Number(b));
    if (arrays.length > MAX_LAYERS) throw new ContentError(`layer ${key} has ${arrays.length} arrays`);
    return {
      name: key,
      arrays: arrays.map((array) => ({ name: array, ...readFloats(file, `${variables.path}/${array}`) })),
    };
  });
}

function readLayers(file: H5File): H5Layer[] {
  if (hasAttribute(file, '/', 'layer_names')) return readKeras2(file, '/');
  const keys = file.keys();
  if (keys.includes('model_weights') && hasAttribute(file, '/model_weights', 'layer_names'))
    return readKeras2(file, '/model_weights');
  for (const root of ['layers', '_layer_checkpoint_dependencies'])
    if (keys.includes(root)) return readKeras3(file, `/${root}`);
  throw new ContentError('it holds no Keras weights');
}

/** Failures after which the thread is not used again: each may have left something behind in the library. */
const MAX_FAILURES = 50;
let requests = 0;
let failures = 0;

/** Answers one request. */
function answer(bytes: Uint8Array): H5Reply {
  // A name of its own: the library may still hold the file before, if that one made it fail.
  const name = `${requests++}.h5`;
  module.FS.writeFile(name, bytes);
  let file: H5File | undefined;
  try {
    file = new File(name, 'r');
    if (file.file_id < 0n) return { problem: 'the HDF5 library cannot open it', poisoned: false };
    return { layers: readLayers(file) };
  } catch (error) {
    if (error instanceof ContentError) return { problem: error.message, poisoned: false };
    failures++;
    const trapped = error instanceof WebAssembly.RuntimeError;
    return { problem: 'the HDF5 library cannot read it', poisoned: trapped || failures === MAX_FAILURES };
  } finally {
    if (file !== undefined && file.file_id >= 0n) file.close();
    module.FS.unlink(name);
  }
}

parentPort?.on('message', ({ bytes }: H5Request) => {
  const reply = answer(bytes);
  parentPort?.postMessage(reply);
});
