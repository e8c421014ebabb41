// Filters that stand directly before batch-norm: which they are, and how a nowcast keeps their norms. Batch-norm takes out
// the scale of its inputs, so that only a filter's direction matters, while its norm sets the size of later steps.

import type * as tfl from '@tensorflow/tfjs-layers';
import type { TrackedTensor } from './weightAccess.js';

/** Number of filters of a kernel, by class of layer: scalar i of it belongs to filter i mod that number. */
const FILTERS: Record<string, (shape: readonly number[]) => number> = {
  Dense: (shape) => shape[shape.length - 1],
  Conv1D: (shape) => shape[shape.length - 1],
  Conv2D: (shape) => shape[shape.length - 1],
  Conv3D: (shape) => shape[shape.length - 1],
  DepthwiseConv2D: (shape) => shape[shape.length - 1] * shape[shape.length - 2],
};

/** The name of the kernel of each of those layers. */
const KERNEL = /^(depthwise_)?kernel$/;

/**
 * Filters of a layer's kernel when nothing but batch-norm sees the layer's outputs, and no activation is between; else null.
 *
 * @param variable one of its weights.
 */
export function filtersBeforeBatchNorm(layer: tfl.layers.Layer, variable: tfl.LayerVariable): number | null {
  const filters = FILTERS[layer.getClassName()];
  const own = variable.originalName.slice(variable.originalName.lastIndexOf('/') + 1);
  if (filters === undefined || !KERNEL.test(own)) return null;
  const { activation = 'linear', dataFormat = 'channelsLast' } = layer.getConfig();
  const followers = layer.outboundNodes.map((node) => node.outboundLayer.getClassName());
  const normalized = followers.length > 0 && followers.every((name) => name === 'BatchNormalization');
  if (!normalized || activation !== 'linear' || dataFormat === 'channelsFirst') return null;
  return filters(variable.shape as number[]);
}

/**
 * Gives filters the norms that they had.
 *
 * @param tensors those with `filters` are changed.
 * @param before flat array with the norms to keep.
 * @param values flat array of the same layout; changed in place. A filter of zeros stays one.
 */
export function keepNorms(tensors: readonly TrackedTensor[], before: Float32Array, values: Float32Array): void {
  for (const { filters, offset, size } of tensors) {
    if (filters === undefined) continue;
    const [kept, own] = [before, values].map((of) => squaredNorms(of, { offset, size, filters }));
    for (let i = 0; i < size; i++) {
      const filter = i % filters;
      if (own[filter] > 0) values[offset + i] *= Math.sqrt(kept[filter] / own[filter]);
    }
  }
}

function squaredNorms(values: Float32Array, { offset, size, filters }: Record<'offset' | 'size' | 'filters', number>) {
  const sums = new Float64Array(filters);
  for (let i = 0; i < size; i++) sums[i % filters] += values[offset + i] ** 2;
  return sums;
}
