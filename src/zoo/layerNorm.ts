// Layer normalization over the last axis (Ba, Kiros and Hinton, 2016) with its gradient in closed form. Equivalent to
// tfjs-layers' layer and saved as one.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { runFusedKernel } from '../engine/fusedKernels.js';

type LayerConfig = NonNullable<ConstructorParameters<typeof tfl.layers.Layer>[0]>;

/** Options of {@link LayerNorm}. */
export interface LayerNormConfig extends LayerConfig {
  /** Added to the variance. */
  epsilon: number;
}

/** The layer: weights gamma and beta, each [units]. */
export class LayerNorm extends tfl.layers.Layer {
  /** The class name of tfjs-layers' layer, which saved networks load instead. */
  static className = 'LayerNormalization';
  readonly #epsilon: number;
  #gamma!: tfl.LayerVariable;
  #beta!: tfl.LayerVariable;

  constructor(config: LayerNormConfig) {
    super(config);
    this.#epsilon = config.epsilon;
  }

  override build(inputShape: tfl.Shape | tfl.Shape[]): void {
    const units = [(inputShape as tfl.Shape).at(-1) as number];
    this.#gamma = this.addWeight('gamma', units, 'float32', tfl.initializers.ones());
    this.#beta = this.addWeight('beta', units, 'float32', tfl.initializers.zeros());
    super.build(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const x = Array.isArray(inputs) ? inputs[0] : inputs;
    return tf.tidy(() => normalizeRows(x, this.#gamma.read(), this.#beta.read(), this.#epsilon));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), axis: [-1], epsilon: this.#epsilon, center: true, scale: true };
  }
}

/**
 * Normalizes the last axis to mean `beta` and standard deviation `gamma`.
 *
 * @param x [..., units].
 * @param gamma [units], as is `beta`.
 */
export function normalizeRows(x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor, epsilon: number): tf.Tensor {
  return tf.customGrad((x, gamma, beta, save) => {
    const inputs = { x: x as tf.Tensor, gamma: gamma as tf.Tensor, beta: beta as tf.Tensor };
    const [value, statistics] = runFusedKernel('layerNorm', inputs, { epsilon }) ?? normalize(inputs, epsilon);
    (save as tf.GradSaveFunc)([inputs.x, inputs.gamma, statistics]);
    return {
      value,
      // tfjs does not wrap this in tidy.
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, gamma, statistics] = saved;
        const known = { dy, x, gamma, statistics };
        return runFusedKernel('layerNormGradient', known) ?? tf.tidy(() => backpropagate(known));
      },
    };
  })(x, gamma, beta);
}

function flattenRows(x: tf.Tensor): tf.Tensor2D {
  const units = x.shape[x.rank - 1];
  return tf.reshape(x, [x.size / units, units]);
}

/** y, and the mean and 1 / sqrt(variance + epsilon) of each row, [rows, 2]. */
function normalize({ x, gamma, beta }: Record<'x' | 'gamma' | 'beta', tf.Tensor>, epsilon: number): tf.Tensor[] {
  const flat = flattenRows(x);
  const mean = tf.mean(flat, 1, true);
  const centered = tf.sub(flat, mean);
  const r = tf.rsqrt(tf.add(tf.mean(tf.square(centered), 1, true), epsilon));
  const y = tf.add(tf.mul(tf.mul(centered, r), gamma), beta);
  return [tf.reshape(y, x.shape), tf.concat([mean, r], 1)];
}

/**
 * With h the normalized rows, r = 1 / sqrt(variance + epsilon) and g = dy * gamma: dbeta = sum dy; dgamma = sum dy h;
 * dx = r (g - mean g - h mean(g h)).
 */
function backpropagate(known: Record<'dy' | 'x' | 'gamma' | 'statistics', tf.Tensor>): tf.Tensor[] {
  const flat = flattenRows(known.x);
  const dy = flattenRows(known.dy);
  const [mean, r] = tf.split(known.statistics, 2, 1);
  const h = tf.mul(tf.sub(flat, mean), r);
  const g = tf.mul(dy, known.gamma);
  const offset = tf.add(tf.mean(g, 1, true), tf.mul(h, tf.mean(tf.mul(g, h), 1, true)));
  const dx = tf.mul(tf.sub(g, offset), r);
  return [tf.reshape(dx, known.x.shape), tf.sum(tf.mul(dy, h), 0), tf.sum(dy, 0)];
}
