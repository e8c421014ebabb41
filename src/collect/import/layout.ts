// PyTorch's state dicts: how they are recognized, and their kernels in the layout of Keras. Purely by names and shapes.

import { permuteAxes } from '../../formats/permuteAxes.js';
import { tensorKind } from '../../trajectory/kind.js';
import type { TensorKind } from '../../trajectory/schema.js';
import type { KernelLayout } from '../importers/importer.js';
import type { CheckpointTensor } from './readCheckpoint.js';

const TORCH_NAMES = /(^|\.)(weight|running_mean)$/;
const OTHER_NAMES = /\/|:\d+$|(^|\.)(kernel|gamma|moving_mean)$/;
/** `weight`, `weight_ih_l0` (recurrent), `in_proj_weight` (attention), and the halves of a normalized weight. */
const KERNEL_NAMES = /(^|[._])weight(_[a-z]+\w*)?$|\bparametrizations\.weight\.original\d$/;

/** Which framework's layout the kernels of these names have. */
export function recognizeLayout(names: readonly string[]): KernelLayout {
  return names.some((name) => TORCH_NAMES.test(name)) && !names.some((name) => OTHER_NAMES.test(name))
    ? 'torch'
    : 'keras';
}

/**
 * Brings the tensors of a state dict to the layout of Keras. Kernels [out, in, ...space] become [...space, in, out]. That
 * is right for every kernel of PyTorch: in grouped and depthwise ones `in` is that of one group, as in Keras's grouped
 * convolutions; in transposed ones PyTorch has [in, out, ...], which becomes Keras's [..., out, in]. Embeddings stay as
 * they are. A layer whose `weight` has rank 1 is a normalization: PyTorch has no other name for it.
 */
export function convertTorchTensors(tensors: readonly CheckpointTensor[]): CheckpointTensor[] {
  const layerOf = (name: string) => name.slice(0, name.lastIndexOf('.') + 1);
  const normLayers = new Set(
    tensors
      .filter(({ name, shape }) => /(^|\.)(running_mean|weight)$/.test(name) && shape.length === 1)
      .map(({ name }) => layerOf(name)),
  );
  return tensors.map((tensor) => {
    const { name, shape, values } = tensor;
    const kind: TensorKind = shape.length === 1 && normLayers.has(layerOf(name)) ? 'norm' : tensorKind(name, shape);
    if (shape.length < 2 || kind === 'other' || !KERNEL_NAMES.test(name)) return { ...tensor, kind };
    const order = shape.map((_, axis) => axis);
    const permuted = [...order.slice(2), 1, 0];
    return {
      name,
      kind,
      shape: permuted.map((axis) => shape[axis]),
      converted: `PyTorch's axes in the order ${permuted.join(', ')}`,
      values: permuteAxes(values, shape, permuted),
    };
  });
}

/** Brings tensors to the layout of Keras if they are PyTorch's. */
export function toKerasLayout(tensors: CheckpointTensor[], layout: 'auto' | KernelLayout): CheckpointTensor[] {
  const actual = layout === 'auto' ? recognizeLayout(tensors.map(({ name }) => name)) : layout;
  return actual === 'torch' ? convertTorchTensors(tensors) : tensors;
}
