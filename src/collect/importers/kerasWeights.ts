// The weights of an HDF5 file of Keras as tensors: their names and classes. What .h5, .weights.h5, .weights.json and
// .keras have in common.

import { corruptFile } from '../../formats/corruptFile.js';
import { maxContentBytes } from '../../formats/expansion.js';
import { FLOAT_BYTES, type FloatType, isFloatType } from '../../formats/floats.js';
import { type KerasArray, type KerasLayer, listKerasWeights } from '../../hdf5/kerasLayout.js';
import { type H5Content, type H5Node, H5Problem, readH5File } from '../../hdf5/reader.js';
import { countValues } from '../../trajectory/manifest.js';
import type { ListedCheckpoint, ListedTensor } from './importer.js';

/** Names of the arrays of Keras's layers, which Keras 3 files only number. Layers that are not here keep the numbers. */
const ARRAY_NAMES: [classes: RegExp, ...names: string[][]][] = [
  [/^(dense|einsum_dense|(depthwise_)?conv\dd|conv\dd_transpose)$/, ['kernel'], ['kernel', 'bias']],
  [/^separable_conv\dd$/, ['depthwise_kernel', 'pointwise_kernel'], ['depthwise_kernel', 'pointwise_kernel', 'bias']],
  [/^(lstm|gru|simple_rnn)_cell$/, ['kernel', 'recurrent_kernel'], ['kernel', 'recurrent_kernel', 'bias']],
  [/^embedding$/, ['embeddings']],
  [/^batch_normalization$/, ['gamma', 'beta', 'moving_mean', 'moving_variance']],
  [/^(layer|group)_normalization$/, ['gamma', 'beta']],
  [/^rms_normalization$/, ['scale']],
];
/** Classes whose arrays have no names here but whose kind is known by them. */
const OTHER_CLASSES = /(normalization|embedding)$/;

/**
 * The class of a layer of a Keras 3 file: by its place in a model of layers (`layers/batch_normalization_1`), or, where
 * that is a Python attribute (`post`), by the name that Keras gave the layer itself. Else null.
 */
function classOf({ classKey, name }: KerasLayer): string | null {
  const candidates = [classKey ?? '', name].map((text) => (text.split('/').at(-1) ?? '').replace(/_\d+$/, ''));
  const isKnown = (text: string) => ARRAY_NAMES.some(([classes]) => classes.test(text)) || OTHER_CLASSES.test(text);
  return candidates.find(isKnown) ?? null;
}

/** A layer with four vectors of equal length is a batch normalization, whatever its name. */
function isBatchNorm({ arrays }: KerasLayer): boolean {
  return arrays.length === 4 && arrays.every(({ shape }) => shape.length === 1 && shape[0] === arrays[0].shape[0]);
}

/** `<layer>/<array>` from what a Keras 2 file calls the array, which may stand in several scopes: `model/layer/array:0`. */
function nameKeras2Array(layer: string, array: string): string {
  const name = array.replace(/:\d+$/, '');
  if (layer === '') return name;
  const position = `/${name}`.indexOf(`/${layer}/`);
  return position >= 0 ? name.slice(position) : `${layer}/${name}`;
}

/** Names and class of a layer's arrays. */
function describeArrays(layer: KerasLayer): { name: string; layerClass?: string }[] {
  if (layer.classKey === null) return layer.arrays.map(({ name }) => ({ name: nameKeras2Array(layer.name, name) }));
  const layerClass = classOf(layer) ?? (isBatchNorm(layer) ? 'batch_normalization' : undefined);
  const variants = ARRAY_NAMES.find(([classes]) => classes.test(layerClass ?? ''))?.slice(1) as string[][] | undefined;
  const names = variants?.find(({ length }) => length === layer.arrays.length);
  return layer.arrays.map(({ name }, i) => ({
    name: layer.name === '' ? name : `${layer.name}/${names?.[i] ?? name}`,
    layerClass,
  }));
}

const isFloat = ({ type }: KerasArray): boolean => typeof type === 'string' && isFloatType(type);

/** Refuses a total array size that the file cannot hold. */
function checkSize(arrays: readonly KerasArray[], fileBytes: number): void {
  const total = arrays.reduce((sum, { shape, type }) => sum + countValues(shape) * FLOAT_BYTES[type as FloatType], 0);
  if (total > maxContentBytes(fileBytes))
    throw new H5Problem(`its arrays should have ${total} bytes, the file has ${fileBytes}`);
}

/** Several HDF5 files that are open, as if they were one. */
interface OpenFiles {
  nodes: H5Node[];
  /** Which file has a dataset: its place among the files. */
  fileOf: Map<string, number>;
  readers: H5Content['readFloats'][];
}

/** Opens all files, nested, and passes on their merged content. */
async function withH5Files<T>(
  files: readonly Uint8Array[],
  use: (open: OpenFiles) => Promise<T>,
  opened: OpenFiles = { nodes: [], fileOf: new Map(), readers: [] },
): Promise<T> {
  const place = opened.readers.length;
  if (place === files.length) return use(opened);
  return readH5File(files[place], async ({ nodes, readFloats }) => {
    const known = new Map(opened.nodes.map((node) => [node.path, node]));
    for (const node of nodes) {
      const before = known.get(node.path);
      // A group that is divided among files stands in each, its attributes perhaps in one.
      if (before !== undefined) Object.assign(before.attributes, node.attributes);
      else {
        opened.nodes.push(node);
        opened.fileOf.set(node.path, place);
      }
    }
    opened.readers.push(readFloats);
    return withH5Files(files, use, opened);
  });
}

/** Reads datasets of all files, by their paths. All at once: each call may have the file opened again. */
async function readAll({ fileOf, readers }: OpenFiles, paths: readonly string[]): Promise<Map<string, Float32Array>> {
  const values = new Map<string, Float32Array>();
  for (const [place, readFloats] of readers.entries()) {
    const own = paths.filter((path) => fileOf.get(path) === place);
    const arrays = await readFloats(own);
    own.forEach((path, i) => {
      values.set(path, arrays[i]);
    });
  }
  return values;
}

/**
 * Opens the HDF5 file of a Keras model, or the files that it is divided among.
 *
 * @param path of the file that the bytes are of, or of the archive or index that they belong to.
 * @throws CorruptFileError
 */
export async function openKerasWeights(
  path: string,
  format: string,
  files: readonly Uint8Array[],
  take: (checkpoint: ListedCheckpoint) => Promise<void>,
): Promise<void> {
  try {
    await withH5Files(files, async (open) => {
      const { layers, optimizerArrays, otherArrays } = listKerasWeights(open.nodes);
      const arrays = layers.flatMap((layer) => layer.arrays);
      const floats = arrays.filter(isFloat);
      checkSize(
        floats,
        files.reduce((sum, { length }) => sum + length, 0),
      );
      let reading: Promise<Map<string, Float32Array>> | undefined;
      const taken = new Map<string, number>();
      const tensors = layers.flatMap(describeArrays).map((described, i): ListedTensor => {
        const { path: dataset, shape, type } = arrays[i];
        const uses = taken.get(described.name) ?? 0;
        taken.set(described.name, uses + 1);
        return {
          ...described,
          name: uses === 0 ? described.name : `${described.name}_${uses}`,
          shape,
          type,
          isOptimizer: false,
          read: async () => {
            reading ??= readAll(
              open,
              floats.map((array) => array.path),
            );
            return (await reading).get(dataset) as Float32Array;
          },
        };
      });
      await take({ tensors, optimizerArrays, otherArrays });
    });
  } catch (error) {
    if (error instanceof H5Problem) throw corruptFile(path, format, error.message);
    throw error;
  }
}
