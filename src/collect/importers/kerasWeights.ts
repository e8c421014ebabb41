// The weights of an HDF5 file of Keras as tensors: their names and kinds. What .h5, .weights.h5 and .keras have in common.

import { corruptFile } from '../../formats/corruptFile.js';
import { maxContentBytes } from '../../formats/expansion.js';
import { type KerasArray, type KerasLayer, listKerasWeights } from '../../hdf5/kerasLayout.js';
import { H5Problem, readH5File } from '../../hdf5/reader.js';
import { tensorKind } from '../../trajectory/kind.js';
import { countValues } from '../../trajectory/manifest.js';
import type { ListedCheckpoint, ListedTensor } from './importer.js';

/** Names of the arrays of Keras's layers, which Keras 3 files only number. Layers that are not here keep the numbers. */
const ARRAY_NAMES: [classes: RegExp, ...names: string[][]][] = [
  [/^(dense|einsum_dense|(depthwise_)?conv\dd|conv\dd_transpose)$/, ['kernel'], ['kernel', 'bias']],
  [/^separable_conv\dd$/, ['depthwise_kernel', 'pointwise_kernel', 'bias']],
  [/^embedding$/, ['embeddings']],
  [/^batch_normalization$/, ['gamma', 'beta', 'moving_mean', 'moving_variance']],
  [/^(layer|group)_normalization$/, ['gamma', 'beta']],
];

/** The names, within their layer, of the arrays of a layer of a Keras 3 file. */
function nameArrays({ classKey, arrays }: KerasLayer): string[] {
  const className = (classKey?.split('/').at(-1) ?? '').replace(/_\d+$/, '');
  const [, ...variants] = ARRAY_NAMES.find(([classes]) => classes.test(className)) ?? [/^/];
  return variants.find(({ length }) => length === arrays.length) ?? arrays.map(({ name }) => name);
}

/** `<layer>/<array>` from what a Keras 2 file calls the array, which may stand in several scopes: `model/layer/array:0`. */
function nameKeras2Array(layer: string, array: string): string {
  const name = array.replace(/:\d+$/, '');
  const position = `/${name}`.indexOf(`/${layer}/`);
  return position >= 0 ? name.slice(position) : `${layer}/${name}`;
}

/** Names and kinds of a layer's arrays. In Keras 3 files the class says which layers are normalizations. */
function describeArrays(layer: KerasLayer): Pick<ListedTensor, 'name' | 'kind' | 'shape'>[] {
  if (layer.classKey === null) {
    return layer.arrays.map(({ name: array, shape }) => {
      const name = nameKeras2Array(layer.name, array);
      return { name, kind: tensorKind(name, shape), shape };
    });
  }
  const names = nameArrays(layer);
  return layer.arrays.map(({ shape }, i) => ({
    name: `${layer.name}/${names[i]}`,
    kind: tensorKind(`${layer.classKey}/${names[i]}`, shape),
    shape,
  }));
}

const FLOATS = { 16: 'f16', 32: 'f32', 64: 'f64' } as const;

/** Refuses what all arrays together claim, when the file can hardly hold it. */
function checkSize(arrays: readonly KerasArray[], fileBytes: number): void {
  const total = arrays.reduce((sum, { shape, floatBits }) => sum + countValues(shape) * ((floatBits ?? 0) / 8), 0);
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
      const { layers, optimizerArrays } = listKerasWeights(nodes);
      checkSize(
        layers.flatMap(({ arrays }) => arrays),
        bytes.length,
      );
      const taken = new Map<string, number>();
      const tensors = layers.flatMap((layer) =>
        describeArrays(layer).map((tensor, i): ListedTensor => {
          const { path: dataset, floatBits } = layer.arrays[i];
          const uses = taken.get(tensor.name) ?? 0;
          taken.set(tensor.name, uses + 1);
          return {
            ...tensor,
            name: uses === 0 ? tensor.name : `${tensor.name}_${uses}`,
            type: floatBits === null ? 'whole' : FLOATS[floatBits],
            read: async () => (await readFloats([dataset]))[0],
          };
        }),
      );
      await take({ tensors, optimizerArrays });
    });
  } catch (error) {
    if (error instanceof H5Problem) throw corruptFile(path, format, error.message);
    throw error;
  }
}
