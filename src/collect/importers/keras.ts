// Imports Keras's files: .h5 of Keras 2 and 3 (weights or a whole model), .weights.h5 and .keras of Keras 3.

import { type KerasLayer, listKerasWeights } from '../../hdf5/kerasLayout.js';
import { H5Problem, readH5File } from '../../hdf5/reader.js';
import { tensorKind } from '../../trajectory/kind.js';
import { type Checkpoint, type CheckpointReader, type CheckpointTensor, corruptCheckpoint } from './checkpoint.js';
import { readWholeFile } from './inputFile.js';
import { withZip } from './zip.js';

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
function describeArrays(layer: KerasLayer): Pick<CheckpointTensor, 'name' | 'kind' | 'shape'>[] {
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

function readKerasWeights(bytes: Uint8Array): Promise<Checkpoint> {
  return readH5File(bytes, async ({ nodes, readFloats }) => {
    const { layers, optimizerArrays } = listKerasWeights(nodes);
    const taken = new Map<string, number>();
    const found = layers.flatMap((layer) =>
      describeArrays(layer).map((tensor, i) => {
        const uses = taken.get(tensor.name) ?? 0;
        taken.set(tensor.name, uses + 1);
        return { ...layer.arrays[i], ...tensor, name: uses === 0 ? tensor.name : `${tensor.name}_${uses}` };
      }),
    );
    const floats = found.filter(({ floatBits }) => floatBits !== null);
    const values = await readFloats(floats.map(({ path }) => path));
    return {
      tensors: floats.map(({ name, kind, shape }, i) => ({ name, kind, shape, values: values[i] })),
      leftOut: { optimizer: optimizerArrays, notFloat: found.length - floats.length },
    };
  });
}

async function readNamed(path: string, format: string, bytes: Uint8Array): Promise<Checkpoint> {
  try {
    return await readKerasWeights(bytes);
  } catch (error) {
    if (error instanceof H5Problem) throw corruptCheckpoint(path, format, error.message);
    throw error;
  }
}

/** Reads .h5 and .weights.h5. */
export const readH5Checkpoint: CheckpointReader = async function* (path) {
  yield await readNamed(path, 'Keras HDF5', await readWholeFile(path, 'Keras HDF5'));
};

/** Reads .keras. */
export const readKerasCheckpoint: CheckpointReader = async function* (path) {
  const bytes = await withZip(path, '.keras', (archive) => archive.read('model.weights.h5'));
  yield await readNamed(path, '.keras', bytes);
};
