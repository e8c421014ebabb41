// PyTorch's kernels in the layout of Keras: which networks are PyTorch's, and how the axes of a kernel are reordered.
// Purely by names, shapes and kinds.

import type { TensorKind } from '../../trajectory/schema.js';
import type { KernelLayout } from '../importers/importer.js';

const TORCH_NAMES = /(^|\.)(weight|running_mean)$/;
const OTHER_NAMES = /\/|:\d+$|(^|\.)(kernel|gamma|moving_mean)$/;
/** `weight`, `weight_ih_l0` (recurrent), `in_proj_weight` (attention), and the halves of a normalized weight. */
const KERNEL_NAMES = /(^|[._])weight(_[a-z]+\w*)?$|\bparametrizations\.weight\.original\d?$/;

/** Which framework's layout the kernels of these names have. */
export function recognizeLayout(names: readonly string[]): KernelLayout {
  return names.some((name) => TORCH_NAMES.test(name)) && !names.some((name) => OTHER_NAMES.test(name))
    ? 'torch'
    : 'keras';
}

/**
 * The order in which the axes of a tensor of PyTorch stand in Keras; null where it stays as it is. Kernels
 * [out, in, ...space] become [...space, in, out]. That is right for every kernel of PyTorch: in grouped and depthwise ones
 * `in` is that of one group, as in Keras's grouped convolutions; in transposed ones PyTorch has [in, out, ...], which
 * becomes Keras's [..., out, in]. Embeddings stay as they are.
 */
export function kerasAxes(name: string, rank: number, kind: TensorKind): number[] | null {
  if (rank < 2 || kind === 'embedding' || kind === 'other' || !KERNEL_NAMES.test(name)) return null;
  return [...Array.from({ length: rank - 2 }, (_, axis) => axis + 2), 1, 0];
}
