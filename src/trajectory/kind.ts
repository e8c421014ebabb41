// The kind of a tensor, from its name and rank.

import type { TensorKind } from './schema.js';

/** Last parts of names by which TensorFlow, Keras and PyTorch mark a batch-norm (or layer-norm) tensor. */
const NORM_NAMES = /(^|[/._])(gamma|beta|moving_mean|moving_variance|running_mean|running_var|num_batches_tracked)$/;
/** Layers that are a normalization, whatever their tensors are called. */
const NORM_LAYERS = /(batch_?norm|layer_?norm|group_?norm|instance_?norm|(^|[/._])(bn|norm|ln)\d*([/._]|$))/i;
/** `embeddings`, and what PyTorch's networks call their tables: `tok_emb`, `embed_tokens`, `wte`, `wpe`. */
const EMBEDDING_NAMES = /embedding|(^|[/._])((tok|token|pos|position|word)_?emb(ed)?|embed_tokens|wte|wpe)([/._]|$)/i;

/**
 * The kind of a tensor: `norm` and `other` by name, then `conv` from rank 3, `fc` for rank 2, `bias` for rank 1.
 *
 * @param name the tensor's full name with its layer, e.g. `batch_normalization_1/gamma` or `layer1.0.bn1.weight`.
 */
export function tensorKind(name: string, shape: readonly number[]): TensorKind {
  if (NORM_NAMES.test(name) || NORM_LAYERS.test(name)) return 'norm';
  if (EMBEDDING_NAMES.test(name) || shape.length === 0) return 'other';
  if (shape.length >= 3) return 'conv';
  return shape.length === 2 ? 'fc' : 'bias';
}
