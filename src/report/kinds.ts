// Kinds of tensors as they are called in text.

import type { TrainedKind } from '../nowcaster/spec.js';

/** Of each kind that has forecasts. */
export const KIND_LABELS: Readonly<Record<TrainedKind, string>> = {
  conv: 'convolution kernels',
  fc: 'dense kernels',
  bias: 'biases',
  norm: 'scale and offset of normalizations',
  embedding: 'embeddings',
};
