// Validates weights other than the trained ones: sets them when a validation requests its first batch, with batch-norm
// statistics of their own, and restores the trained ones after its last batch.

import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { estimateBatchNorm, type InputBatches } from '../callback/batchNormStatistics.js';
import type { BatchSource } from './batches.js';

/**
 * The weights to validate at the end of an epoch (from 0), in the order and the shapes of `model.getWeights()`; null for the
 * trained ones. The caller disposes of them.
 */
export type ValidationWeights = (epoch: number) => Promise<readonly tf.Tensor[] | null>;

/**
 * Wraps batches so that the model holds the weights to validate while they are read. The trained weights are restored
 * bit for bit.
 *
 * @param choose called once for each pass over the batches, i.e. for each epoch.
 * @param statistics inputs of training batches, from which the batch-norm statistics for the chosen weights are estimated.
 */
export function withValidationWeights(
  batches: BatchSource,
  model: tfl.LayersModel,
  choose: ValidationWeights,
  statistics: (epoch: number) => InputBatches,
): BatchSource {
  let epoch = 0;
  return {
    async iterator() {
      const current = epoch++;
      const chosen = await choose(current);
      if (chosen === null) return batches.iterator();
      // A clone shares the values of the variable, which writing to the model replaces rather than changes.
      const trained = model.getWeights().map((weight) => tf.clone(weight));
      model.setWeights([...chosen]);
      await estimateBatchNorm(model, statistics(current));
      const inner = await batches.iterator();
      return {
        async next() {
          const result = await inner.next();
          if (result.done) {
            model.setWeights(trained);
            tf.dispose(trained);
          }
          return result;
        },
      };
    },
  };
}
