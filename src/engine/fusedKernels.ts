// Names of the kernels that an engine may add to those of TensorFlow.js, for layers that are slow as a sequence of operations.
// A layer that finds none for the current backend computes by operations.

import * as tf from '@tensorflow/tfjs-core';

/** The kernels by name; src/engine/wasm implements them. */
export const FUSED_KERNELS = {
  /** Inputs x [..., C], gamma [C], beta [C]; attribute epsilon; outputs y, mean [C] and variance [C], biased. */
  batchNorm: 'WnnBatchNorm',
  /** Inputs dy, x, gamma, mean, variance; attribute epsilon; outputs dx, dgamma, dbeta. */
  batchNormGradient: 'WnnBatchNormGradient',
  /** Inputs x [..., C], gamma [C], beta [C]; attribute epsilon; outputs y and statistics (mean, 1 / deviation) [rows, 2]. */
  layerNorm: 'WnnLayerNorm',
  /** Inputs dy, x, gamma, statistics; outputs dx, dgamma, dbeta. */
  layerNormGradient: 'WnnLayerNormGradient',
  /** Input x; output gelu(x), tanh form. */
  gelu: 'WnnGelu',
  /** Inputs dy, x; output dx. */
  geluGradient: 'WnnGeluGradient',
  /** Input qkv [B, T, 3 * C]; attribute heads; outputs y [B, T, C] and weights [B, heads, T, T]. */
  causalAttention: 'WnnCausalAttention',
  /** Inputs dy, qkv, weights; attribute heads; output dqkv. */
  causalAttentionGradient: 'WnnCausalAttentionGradient',
} as const;

/**
 * Runs a fused kernel of the current backend.
 *
 * @returns its outputs; undefined when the backend does not have it.
 */
export function runFusedKernel(
  name: keyof typeof FUSED_KERNELS,
  inputs: tf.NamedTensorMap,
  attributes: tf.NamedAttrMap = {},
): tf.Tensor[] | undefined {
  const kernel = FUSED_KERNELS[name];
  if (tf.getKernel(kernel, tf.getBackend()) === undefined) return undefined;
  return [tf.engine().runKernel(kernel, inputs, attributes)].flat() as tf.Tensor[];
}
