// Batch normalization over the last axis (Ioffe and Szegedy, 2015) with its gradient in closed form. It is equivalent
// to tfjs-layers' layer and is saved as one. That layer records each elementary operation, which keeps about ten copies of
// every activation and takes most of the time of a ResNet's step.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { runFusedKernel } from '../engine/fusedKernels.js';

type LayerConfig = NonNullable<ConstructorParameters<typeof tfl.layers.Layer>[0]>;

/** Normalized values and the statistics of a batch. */
interface NormalizedBatch {
  y: tf.Tensor;
  /** Per channel, [channels]. */
  mean: tf.Tensor1D;
  /** Per channel, biased (divided by the number of values), [channels]. */
  variance: tf.Tensor1D;
}

/** Options of {@link BatchNorm}. */
export interface BatchNormConfig extends LayerConfig {
  /** Weight of the old value in each update of the moving statistics. */
  momentum: number;
  /** Added to the variance. */
  epsilon: number;
}

/** The layer: weights gamma, beta, moving_mean and moving_variance, each [channels]. */
export class BatchNorm extends tfl.layers.Layer {
  /** The class name of tfjs-layers' layer, which saved networks load instead. */
  static className = 'BatchNormalization';
  readonly #momentum: number;
  readonly #epsilon: number;
  #gamma!: tfl.LayerVariable;
  #beta!: tfl.LayerVariable;
  #movingMean!: tfl.LayerVariable;
  #movingVariance!: tfl.LayerVariable;

  constructor(config: BatchNormConfig) {
    super(config);
    this.#momentum = config.momentum;
    this.#epsilon = config.epsilon;
  }

  override build(inputShape: tfl.Shape | tfl.Shape[]): void {
    const channels = [(inputShape as tfl.Shape).at(-1) as number];
    const zeros = tfl.initializers.zeros();
    const ones = tfl.initializers.ones();
    this.#gamma = this.addWeight('gamma', channels, 'float32', ones);
    this.#beta = this.addWeight('beta', channels, 'float32', zeros);
    this.#movingMean = this.addWeight('moving_mean', channels, 'float32', zeros, undefined, false);
    this.#movingVariance = this.addWeight('moving_variance', channels, 'float32', ones, undefined, false);
    super.build(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[], options: { training?: boolean }): tf.Tensor {
    return tf.tidy(() => {
      const x = Array.isArray(inputs) ? inputs[0] : inputs;
      const gamma = this.#gamma.read() as tf.Tensor1D;
      const beta = this.#beta.read() as tf.Tensor1D;
      if (!options.training) {
        const factor = tf.mul(gamma, tf.rsqrt(tf.add(this.#movingVariance.read(), this.#epsilon)));
        return tf.add(tf.mul(tf.sub(x, this.#movingMean.read()), factor), beta);
      }
      const { y, mean, variance } = normalizeBatch(x, gamma, beta, this.#epsilon);
      this.#follow(this.#movingMean, mean);
      this.#follow(this.#movingVariance, variance);
      return y;
    });
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), axis: -1, momentum: this.#momentum, epsilon: this.#epsilon };
  }

  #follow(moving: tfl.LayerVariable, value: tf.Tensor): void {
    const old = moving.read();
    moving.write(tf.add(old, tf.mul(tf.sub(value, old), 1 - this.#momentum)));
  }
}

function flattenPixels(x: tf.Tensor): tf.Tensor2D {
  const channels = x.shape[x.rank - 1];
  return tf.reshape(x, [x.size / channels, channels]);
}

/**
 * Normalizes each channel of a batch to mean `beta` and standard deviation `gamma`. Only `y` has a gradient, for x,
 * gamma and beta.
 *
 * @param x [..., channels].
 */
export function normalizeBatch(x: tf.Tensor, gamma: tf.Tensor1D, beta: tf.Tensor1D, epsilon: number): NormalizedBatch {
  const statistics: { mean?: tf.Tensor1D; variance?: tf.Tensor1D } = {};
  const normalize = tf.customGrad((x, gamma, beta, save) => {
    const inputs = { x: x as tf.Tensor, gamma: gamma as tf.Tensor, beta: beta as tf.Tensor };
    const [value, mean, variance] =
      runFusedKernel('batchNorm', inputs, { epsilon }) ?? normalizeColumns(inputs, epsilon);
    statistics.mean = tf.keep(mean as tf.Tensor1D);
    statistics.variance = tf.keep(variance as tf.Tensor1D);
    (save as tf.GradSaveFunc)([inputs.x, inputs.gamma, mean, variance]);
    return {
      value,
      // tfjs does not wrap this in tidy.
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => {
        const [x, gamma, mean, variance] = saved;
        const known = { dy, x, gamma, mean, variance };
        return runFusedKernel('batchNormGradient', known, { epsilon }) ?? tf.tidy(() => backpropagate(known, epsilon));
      },
    };
  });
  const y = normalize(x, gamma, beta);
  const { mean, variance } = statistics as { mean: tf.Tensor1D; variance: tf.Tensor1D };
  // Kept until the end of the gradient's scope; from here on they belong to the caller's scope.
  return { y, mean: releaseToScope(mean), variance: releaseToScope(variance) };
}

/** y, mean and variance by operations. */
function normalizeColumns({ x, gamma, beta }: Record<'x' | 'gamma' | 'beta', tf.Tensor>, epsilon: number): tf.Tensor[] {
  const flat = flattenPixels(x);
  const count = flat.shape[0];
  const mean = tf.div(tf.sum(flat, 0), count);
  const centered = tf.sub(flat, mean);
  const variance = tf.div(tf.sum(tf.square(centered), 0), count);
  const factor = tf.mul(gamma, tf.rsqrt(tf.add(variance, epsilon)));
  return [tf.reshape(tf.add(tf.mul(centered, factor), beta), x.shape), mean, variance];
}

/**
 * With r = 1 / sqrt(variance + epsilon), n values a channel and d = x - mean:
 * dbeta = sum dy; dgamma = r * sum(dy * d); dx = gamma * r * (dy - dbeta / n - d * r * dgamma / n).
 */
function backpropagate(
  known: Record<'dy' | 'x' | 'gamma' | 'mean' | 'variance', tf.Tensor>,
  epsilon: number,
): tf.Tensor[] {
  const { x, gamma, mean, variance } = known;
  const flat = flattenPixels(x);
  const dy = flattenPixels(known.dy);
  const count = flat.shape[0];
  const r = tf.rsqrt(tf.add(variance, epsilon));
  const dbeta = tf.sum(dy, 0);
  const centered = tf.sub(flat, mean);
  const dgamma = tf.mul(r, tf.sum(tf.mul(dy, centered), 0));
  const factor = tf.mul(gamma, r);
  const offset = tf.div(tf.mul(factor, dbeta), count);
  const slope = tf.div(tf.mul(tf.mul(factor, r), dgamma), count);
  const dx = tf.sub(tf.mul(dy, factor), tf.add(tf.mul(centered, slope), offset));
  return [tf.reshape(dx, x.shape), dgamma, dbeta];
}

function releaseToScope<T extends tf.Tensor>(kept: T): T {
  const released = tf.clone(kept);
  kept.dispose();
  return released;
}
