// Causal self-attention of several heads (Vaswani et al., 2017) between given queries, keys and values, with its gradient in
// closed form. It has no weights: the projections before and after it are dense layers.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { runFusedKernel } from '../engine/fusedKernels.js';

type LayerConfig = NonNullable<ConstructorParameters<typeof tfl.layers.Layer>[0]>;

/** Score of a later position: its weight is 0 in float32. */
const NEVER = -1e30;

/** The layer: input [batch, steps, 3 * units], queries, keys and values one behind the other; output [batch, steps, units]. */
export class CausalAttention extends tfl.layers.Layer {
  static className = 'WnnCausalAttention';
  readonly heads: number;

  /** @param config `heads` divides the units. */
  constructor(config: LayerConfig & { heads: number }) {
    super(config);
    this.heads = config.heads;
  }

  override computeOutputShape(inputShape: tfl.Shape): tfl.Shape {
    return [...inputShape.slice(0, -1), (inputShape.at(-1) as number) / 3];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const qkv = Array.isArray(inputs) ? inputs[0] : inputs;
    return tf.tidy(() => attend(qkv, this.heads));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), heads: this.heads };
  }
}

tf.serialization.registerClass(CausalAttention as Parameters<typeof tf.serialization.registerClass>[0]);

/**
 * Each position takes the mean of the values of itself and of earlier ones, weighted by the softmax of its query times
 * their keys over sqrt(units / heads).
 *
 * @param qkv [batch, steps, 3 * units].
 */
export function attend(qkv: tf.Tensor, heads: number): tf.Tensor {
  return tf.customGrad((input, save) => {
    const qkv = input as tf.Tensor;
    const [value, weights] = runFusedKernel('causalAttention', { qkv }, { heads }) ?? compute(qkv, heads);
    (save as tf.GradSaveFunc)([qkv, weights]);
    return {
      value,
      // tfjs does not wrap this in tidy.
      gradFunc: (dy: tf.Tensor, [qkv, weights]: tf.Tensor[]) =>
        runFusedKernel('causalAttentionGradient', { dy, qkv, weights }, { heads })?.[0] ??
        tf.tidy(() => backpropagate(dy, qkv, weights, heads)),
    };
  })(qkv);
}

/** Queries, keys and values, each [batch, heads, steps, size]. */
function splitHeads(qkv: tf.Tensor, parts: number, heads: number): tf.Tensor[] {
  const [batch, steps, width] = qkv.shape;
  const apart = tf.reshape(qkv, [batch, steps, parts, heads, width / parts / heads]);
  return tf.unstack(tf.transpose(apart, [2, 0, 3, 1, 4]));
}

function joinHeads(parts: tf.Tensor[]): tf.Tensor {
  const [batch, heads, steps, size] = parts[0].shape;
  return tf.reshape(tf.transpose(tf.stack(parts), [1, 3, 0, 2, 4]), [batch, steps, parts.length * heads * size]);
}

function compute(qkv: tf.Tensor, heads: number): tf.Tensor[] {
  const [query, key, value] = splitHeads(qkv, 3, heads);
  const [, , steps, size] = query.shape;
  const scores = tf.div(tf.matMul(query, key, false, true), Math.sqrt(size));
  const later = tf.linalg.bandPart(tf.ones([steps, steps]) as tf.Tensor2D, -1, 0);
  const weights = tf.softmax(tf.add(scores, tf.mul(tf.sub(1, later), NEVER)));
  return [joinHeads([tf.matMul(weights, value)]), weights];
}

/** With P the weights, dP = dy vT and dS = P (dP - sum P dP) / sqrt(size): dq = dS k, dk = dST q, dv = PT dy. */
function backpropagate(dyJoined: tf.Tensor, qkv: tf.Tensor, weights: tf.Tensor, heads: number): tf.Tensor {
  const [query, key, value] = splitHeads(qkv, 3, heads);
  const [dy] = splitHeads(dyJoined, 1, heads);
  const dP = tf.mul(weights, tf.matMul(dy, value, false, true));
  const dS = tf.div(tf.sub(dP, tf.mul(weights, tf.sum(dP, -1, true))), Math.sqrt(query.shape[3] as number));
  return joinHeads([tf.matMul(dS, key), tf.matMul(dS, query, true), tf.matMul(weights, dy, true)]);
}
