// Takes HDF5 files apart in a thread of its own. The HDF5 library is compiled C: a corrupt file can trap it or keep it
// busy for ever, and a thread can be ended. Knows HDF5, not what the files mean.

import type { File as H5File } from 'h5wasm';
import { maxContentBytes } from '../formats/expansion.js';
import { decodeFloats, type FloatType, isFloatType } from '../formats/floats.js';
import { serveThread } from '../jobs/threadPool.js';
import { type FloatLayout, findFloatLayouts } from './floatLayout.js';
import { type H5Node, H5Problem, type H5Reply, type H5Request } from './protocol.js';

/** Guards against absurd sizes in corrupt files. */
const MAX_NODES = 100_000;
const MAX_DEPTH = 64;
const MAX_ATTRIBUTE_BYTES = 1_000_000;
/** The memory that the library can have is 4 GiB. */
const MAX_DATASET_BYTES = 2 ** 31;

// Before the library loads and keeps them: it prints every error that it also reports.
console.error = () => {};
console.warn = () => {};
const { File, Group, ready } = await import('h5wasm');
const module = await ready;

interface OpenFile {
  file: H5File;
  bytes: number;
  layouts: Map<number, FloatLayout>;
}

/** The type of a dataset's elements. Keras keeps bfloat16 as two bytes that HDF5 knows nothing of, and says so beside. */
function typeOf({ file, layouts }: OpenFile, path: string): NonNullable<H5Node['dataset']>['type'] {
  const { type, size } = module.get_dataset_metadata(file.file_id, path);
  const { H5T_FLOAT, H5T_OPAQUE, H5T_COMPOUND } = module.H5T_class_t;
  if (type === H5T_FLOAT.value) {
    const usual = STANDARD_TYPES[size] ?? { unreadable: `floats of ${8 * size} bits` };
    return layouts.get(size) ?? usual;
  }
  if (type === H5T_OPAQUE.value) {
    const named = readAttributes(file, path).dtype?.[0];
    return named === 'bfloat16' && size === 2 ? 'bf16' : { unreadable: named ?? `opaque, ${size} bytes` };
  }
  return type === H5T_COMPOUND.value ? { unreadable: 'records' } : 'whole';
}

const STANDARD_TYPES: Record<number, FloatType> = { 2: 'f16', 4: 'f32', 8: 'f64' };

/** A dataset that is about to be read. */
interface FloatDataset {
  path: string;
  type: FloatType;
  /** Bytes of all elements. */
  bytes: number;
}

/** Checks what a dataset claims against what the file has. */
function measureFloats(open: OpenFile, path: string): FloatDataset {
  const { file, bytes: fileBytes } = open;
  const { size, shape, total_size: count } = module.get_dataset_metadata(file.file_id, path);
  const type = typeOf(open, path);
  if (typeof type !== 'string' || !isFloatType(type))
    throw new H5Problem(`${path} does not hold floats of 16, 32 or 64 bits`);
  const bytes = count * size;
  if (shape === null || !(bytes <= MAX_DATASET_BYTES)) throw new H5Problem(`${path} has an impossible size`);
  const isPlain = module.get_dataset_filters(file.file_id, path).length === 0;
  if (isPlain && bytes > fileBytes)
    throw new H5Problem(`${path} should have ${bytes} bytes, the file has ${fileBytes}`);
  return { path, type, bytes };
}

/** Reads a dataset of floats of any precision, byte order, chunking and compression that HDF5 itself can read. */
function readFloats({ file }: OpenFile, { path, type, bytes }: FloatDataset): Float32Array {
  const pointer = module._malloc(Math.max(bytes, 1));
  if (pointer === 0) throw new H5Problem(`${path} is too large to be decoded`);
  try {
    const status = module.get_dataset_data(file.file_id, path, null, null, null, BigInt(pointer));
    if (status < 0) throw new H5Problem(`${path} cannot be decoded`);
    return decodeFloats(module.HEAPU8.subarray(pointer, pointer + bytes), type);
  } finally {
    module._free(pointer);
  }
}

function readAll(file: OpenFile, paths: readonly string[]): Float32Array[] {
  const datasets = paths.map((path) => measureFloats(file, path));
  const total = datasets.reduce((sum, { bytes }) => sum + bytes, 0);
  if (total > maxContentBytes(file.bytes))
    throw new H5Problem(`its arrays should have ${total} bytes, the file has ${file.bytes}`);
  return datasets.map((dataset) => readFloats(file, dataset));
}

/** Reads an attribute that lists strings, of fixed or variable length. An empty list may be of any type. */
function readStrings(file: H5File, path: string, name: string): string[] | null {
  const { type, size, total_size: count, shape } = module.get_attribute_metadata(file.file_id, path, name);
  if (shape === null || count === 0) return [];
  if (type !== module.H5T_class_t.H5T_STRING.value || !(count * size <= MAX_ATTRIBUTE_BYTES)) return null;
  const value = new Group(file.file_id, path).get_attribute(name, false);
  const strings = Array.isArray(value) ? value : [value];
  // Strings padded with blanks are as good as those padded with zeros.
  return strings.every((text) => typeof text === 'string') ? strings.map((text) => text.trimEnd()) : null;
}

function readAttributes(file: H5File, path: string): H5Node['attributes'] {
  const names = module.get_attribute_names(file.file_id, path);
  return Object.fromEntries(names.map((name) => [name, readStrings(file, path, name)]));
}

function readDatasetShape(open: OpenFile, path: string): H5Node['dataset'] {
  const { shape } = module.get_dataset_metadata(open.file.file_id, path);
  return { shape: shape ?? [], type: typeOf(open, path) };
}

/** All groups and datasets, each group before what it holds, in the order in which the file lists them. */
function listNodes(open: OpenFile): H5Node[] {
  const { file } = open;
  const nodes: H5Node[] = [];
  const visit = (path: string, depth: number) => {
    if (nodes.length === MAX_NODES) throw new H5Problem(`it has more than ${MAX_NODES} objects`);
    if (depth > MAX_DEPTH) throw new H5Problem('its groups are nested without end');
    const isGroup = path === '/' || module.get_type(file.file_id, path) === module.H5G_GROUP;
    const dataset = isGroup ? null : readDatasetShape(open, path);
    nodes.push({ path, dataset, attributes: readAttributes(file, path) });
    if (!isGroup) return;
    for (const name of module.get_names(file.file_id, path, false)) {
      const child = path === '/' ? `/${name}` : `${path}/${name}`;
      const type = module.get_type(file.file_id, child);
      if (type === module.H5G_GROUP || type === module.H5G_DATASET) visit(child, depth + 1);
    }
  };
  visit('/', 0);
  return nodes;
}

/** Failures after which the thread ends: each may have left something behind in the library. */
const MAX_FAILURES = 50;
let requests = 0;
let failures = 0;

/** Opens a file for as long as it is used. */
function withFile<T>(bytes: Uint8Array, use: (file: OpenFile) => T): T {
  // A name of its own: the library may still hold the file before, if that one made it fail.
  const name = `${requests++}.h5`;
  module.FS.writeFile(name, bytes, { canOwn: true } as object);
  let file: H5File | undefined;
  try {
    file = new File(name, 'r');
    if (file.file_id < 0n) throw new H5Problem('the HDF5 library cannot open it');
    return use({ file, bytes: bytes.length, layouts: findFloatLayouts(bytes) });
  } finally {
    if (file !== undefined && file.file_id >= 0n) file.close();
    module.FS.unlink(name);
  }
}

export default serveThread(
  ({ file: bytes, paths, begun }: H5Request): H5Reply => {
    begun.postMessage(null);
    begun.close();
    try {
      return withFile(bytes, (file) =>
        paths === null ? { nodes: listNodes(file), values: [] } : { nodes: [], values: readAll(file, paths) },
      );
    } catch (error) {
      // The library is of no use any more; the pool starts another thread.
      if (error instanceof WebAssembly.RuntimeError) process.exit(1);
      if (!(error instanceof H5Problem) && ++failures === MAX_FAILURES) process.exit(1);
      throw error;
    }
  },
  ({ values }) => values.map(({ buffer }) => buffer),
);
