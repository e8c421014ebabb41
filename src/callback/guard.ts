// What a nowcast must prove before it is kept: that the loss on a batch does not rise. Measures; decides nothing.

import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { listMovingStatistics } from './batchNormStatistics.js';

/** A batch on which a nowcast must prove itself; see ForecastingOptions. */
export interface GuardBatch {
  /** Inputs, as for `model.evaluate`. Stays the caller's to dispose, after training. */
  x: tf.Tensor | tf.Tensor[];
  /** Targets, as for `model.evaluate`. Stays the caller's to dispose, after training. */
  y: tf.Tensor | tf.Tensor[];
  /** Examples that go through the model at once. Default: 32, as `model.evaluate`. */
  batchSize?: number;
}

const listOf = (tensors: tf.Tensor | tf.Tensor[]) => (Array.isArray(tensors) ? tensors : [tensors]);

/**
 * The model's loss on the guard's batch, without penalties: the sum over outputs of the mean over examples.
 *
 * A model with batch-norm is measured in training mode, with the statistics of each part of the batch: its moving
 * statistics belong to the weights before the nowcast, so that inference mode would refuse every nowcast. They are left
 * as they were.
 */
export async function measureGuardLoss(model: tfl.LayersModel, { x, y, batchSize = 32 }: GuardBatch): Promise<number> {
  const [inputs, targets] = [listOf(x), listOf(y)];
  const count = inputs[0].shape[0] as number;
  const statistics = listMovingStatistics(model);
  const saved = statistics.map((variable) => variable.read().clone());
  const training = statistics.length > 0;
  // A Sequential keeps what it was compiled with in a model of its own.
  const { lossFunctions } = (model as Partial<{ model: tfl.LayersModel }>).model ?? model;
  const sum = tf.tidy(() => {
    let total = tf.scalar(0);
    for (let begin = 0; begin < count; begin += batchSize) {
      const size = Math.min(batchSize, count - begin);
      const part = (tensor: tf.Tensor) => tf.slice(tensor, begin, size);
      const outputs = listOf(model.apply(inputs.map(part), { training }) as tf.Tensor | tf.Tensor[]);
      for (const [i, loss] of lossFunctions.entries())
        total = tf.add(total, tf.mul(tf.mean(loss(part(targets[i]), outputs[i])), size));
    }
    return total;
  });
  for (const [i, variable] of statistics.entries()) variable.write(saved[i]);
  const [value] = await sum.data();
  tf.dispose([sum, ...saved]);
  return value / count;
}
