// Moving statistics of batch-norm layers, estimated anew for weights that training did not lead to: averages, nowcasts. The
// statistics that training left belong to the weights before.

import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { isModel } from './trainedNetwork.js';

/** Inputs of one batch, as for `model.predict`. */
export type BatchInputs = tf.Tensor | tf.Tensor[];

/** Inputs of batches, e.g. a list or a generator. What it yields stays its own to dispose of. */
export type InputBatches = Iterable<BatchInputs> | AsyncIterable<BatchInputs>;

/** The batch-norm layers of a model, those of nested models too, each once. */
function listBatchNorms(model: tfl.LayersModel): tfl.layers.Layer[] {
  const layers = model.layers.flatMap((layer) => {
    if (isModel(layer)) return listBatchNorms(layer);
    return layer.getClassName() === 'BatchNormalization' ? [layer] : [];
  });
  return [...new Set(layers)];
}

/** The arrays of batch-norm layers that training mode moves on, those of nested models too. */
export function listMovingStatistics(model: tfl.LayersModel): tfl.LayerVariable[] {
  return listBatchNorms(model).flatMap(movingStatisticsOf);
}

function movingStatisticsOf(layer: tfl.layers.Layer): tfl.LayerVariable[] {
  return layer.weights.filter(({ originalName }) => /moving_(mean|variance)$/.test(originalName));
}

/** Sums what a layer writes into one of its moving statistics, which stays zero meanwhile. */
class WriteSum {
  #sum: tf.Tensor;
  #count = 0;

  constructor(
    readonly variable: tfl.LayerVariable,
    /** The layer's weight of the old value in an update. */
    readonly momentum: number,
  ) {
    this.#sum = tf.zeros(variable.shape as number[]);
    tf.tidy(() => void variable.write(this.#sum));
    // From zero, an update writes the batch's value times 1 - momentum: no digit is lost to the value before. Layers that are
    // applied several times in a model write several times a batch.
    variable.write = (value) => {
      const sum = tf.keep(tf.tidy(() => tf.add(this.#sum, value)));
      this.#sum.dispose();
      this.#sum = sum;
      this.#count++;
      return variable;
    };
  }

  /** Lets the layer write again, and sets the mean of the batches' values, or `before` when no batch came. */
  finish(before: tf.Tensor): void {
    const { variable, momentum } = this;
    // The method of its class is there again.
    delete (variable as Partial<tfl.LayerVariable>).write;
    tf.tidy(() => void variable.write(this.#count === 0 ? before : tf.div(this.#sum, this.#count * (1 - momentum))));
    this.#sum.dispose();
  }
}

/**
 * Sets the moving statistics of all batch-norm layers to the mean over batches of the batches' means and (biased) variances,
 * each batch counting alike, in training mode: the first layers' batches are normalized by their own statistics while those of
 * later layers are taken. Other weights stay as they are. For weights that were set rather than trained (averages,
 * Izmailov et al., 2018; nowcasts).
 *
 * @param model built; without batch-norm nothing happens, and no batch is taken.
 * @param batches inputs of training batches, of the size of the training's, augmented as there. About ten are enough for
 * images.
 * @returns how many batches there were. When none, or on an error, the statistics are those of before.
 */
export async function estimateBatchNorm(model: tfl.LayersModel, batches: InputBatches): Promise<number> {
  const layers = listBatchNorms(model).filter((layer) => momentumOf(layer) < 1);
  if (layers.length === 0) return 0;
  const variables = layers.flatMap((layer) =>
    movingStatisticsOf(layer).map((variable) => ({ variable, momentum: momentumOf(layer) })),
  );
  const before = variables.map(({ variable }) => tf.clone(variable.read()));
  const sums = variables.map(({ variable, momentum }) => new WriteSum(variable, momentum));
  let count = 0;
  let whole = false;
  try {
    for await (const inputs of batches) {
      tf.tidy(() => void model.apply(inputs, { training: true }));
      count++;
    }
    whole = true;
  } finally {
    for (const [i, sum] of sums.entries()) {
      sum.finish(before[i]);
      if (!whole) variables[i].variable.write(before[i]);
    }
    tf.dispose(before);
  }
  return count;
}

/** A batch-norm layer's weight of the old value in each update; 1 keeps the statistics that it has. */
function momentumOf(layer: tfl.layers.Layer): number {
  return layer.getConfig().momentum as number;
}
