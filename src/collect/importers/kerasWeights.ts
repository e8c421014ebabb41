// The weights of an HDF5 file of Keras as tensors: their names and classes. What .h5, .weights.h5 and .keras have in common.

import { corruptFile } from '../../formats/corruptFile.js';
import { maxContentBytes } from '../../formats/expansion.js';
import { FLOAT_BYTES, type FloatType, isFloatType } from '../../formats/floats.js';
import { type KerasArray, type KerasLayer, listKerasWeights } from '../../hdf5/kerasLayout.js';
import { H5Problem, readH5File } from '../../hdf5/reader.js';
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

/** Four vectors of one length are those of a batch normalization, whatever it is called. */
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

/** Refuses what all arrays together claim, when the file can hardly hold it. */
function checkSize(arrays: readonly KerasArray[], fileBytes: number): void {
  const total = arrays.reduce((sum, { shape, type }) => sum + countValues(shape) * FLOAT_BYTES[type as FloatType], 0);
  if (total > maxContentBytes(fileBytes))
    throw new H5Problem(`its arrays should have ${total} bytes, the file has ${fileBytes}`);
}

/**
 * Opens the HDF5 file of a Keras model.
 *
 * @param path of the file that the bytes are of, or of the archive that they were in.
 * @throws CorruptFileError
 */
export async function openKerasWeights(
  path: string,
  format: string,
  bytes: Uint8Array,
  take: (checkpoint: ListedCheckpoint) => Promise<void>,
): Promise<void> {
  try {
    await readH5File(bytes, async ({ nodes, readFloats }) => {
      const { layers, optimizerArrays, otherArrays } = listKerasWeights(nodes);
      const arrays = layers.flatMap((layer) => layer.arrays);
      const floats = arrays.filter(isFloat);
      checkSize(floats, bytes.length);
      // All at once: each call has the file opened again.
      let reading: Promise<Map<string, Float32Array>> | undefined;
      const readAll = async () => {
        const values = await readFloats(floats.map((array) => array.path));
        return new Map(floats.map((array, i) => [array.path, values[i]]));
      };
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
            reading ??= readAll();
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
