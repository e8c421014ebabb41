// Validates other weights than those in training: puts them in the network's place when a validation asks for its first batch,
// and the trained ones back when it has had its last.

import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import type { BatchSource } from './batches.js';

/**
 * The weights to validate at the end of an epoch (from 0), in the order and the shapes of `model.getWeights()`; null for the
 * trained ones. They stay the caller's.
 */
export type ValidationWeights = (epoch: number) => Promise<readonly tf.Tensor[] | null>;

/**
 * The same batches, read while the model holds the weights that are to be validated. The trained weights are bit for bit
 * the same afterwards.
 *
 * @param choose asked once for each time the batches are read, i.e. for each epoch.
 */
export function withValidationWeights(
  batches: BatchSource,
  model: tfl.LayersModel,
  choose: ValidationWeights,
): BatchSource {
  let epoch = 0;
  return {
    async iterator() {
      const chosen = await choose(epoch++);
      if (chosen === null) return batches.iterator();
      // A clone shares the values of the variable, which writing to the model replaces rather than changes.
      const trained = model.getWeights().map((weight) => tf.clone(weight));
      model.setWeights([...chosen]);
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
