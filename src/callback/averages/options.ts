// The options of AveragedWeights, and what it keeps with a checkpoint. Types and names.

import type * as tf from '@tensorflow/tfjs-core';
import { FLAG, FUNCTION, NUMBER, type OptionTypes, objectOf, TEXT } from '../../optionTypes.js';
import type { InputBatches } from '../batchNormStatistics.js';
import type { AverageState } from './average.js';

/** Which average: `ema` with its decay a step, `lawa` over the last k epoch ends, `swa` from a share of the epochs on. */
export type AverageChoice =
  | {
      average?: 'ema';
      /** Above 0, below 1. Default 0.99. */
      decay?: number;
    }
  | {
      average: 'lawa';
      /** Epoch ends, 1 to 100; as many copies of the weights are kept. Default 5. */
      k?: number;
    }
  | {
      average: 'swa';
      /** Share of the epochs after which the mean begins, from 0, below 1. Default 0.75. */
      start?: number;
    };

/** Options of {@link AveragedWeights}. */
export type AveragedWeightsOptions = AverageChoice & {
  /**
   * Returns inputs of training batches, about ten, from which the statistics of batch-norm layers are estimated each time that
   * the averages are put into the model; see {@link estimateBatchNorm}. Default: the statistics are averaged as all other
   * weights are, which fits the averaged weights less well.
   */
  statistics?: () => InputBatches;
  /**
   * Validation data to evaluate the averages on at the end of each epoch. The results are in the epoch's logs, and so in the
   * history: `averaged_val_loss`, `averaged_val_acc`, ... Default: none.
   */
  validation?: { x: tf.Tensor | tf.Tensor[]; y: tf.Tensor | tf.Tensor[]; batchSize?: number };
  /** Leaves the averages in the model when a fit ends. Default false: the trained weights stay. */
  leaveInModel?: boolean;
  /** Epochs of the whole training, for `swa` in loops of one's own and with `continue`. Default: those of the fit. */
  epochs?: number;
  /** Carries the average over from one fit to the next of the same model. Default false: each fit starts afresh. */
  continue?: boolean;
};

/** The types of {@link AveragedWeightsOptions}, of all averages. */
export const AVERAGED_WEIGHTS_OPTIONS: OptionTypes<AveragedWeightsOptions> = {
  average: TEXT,
  decay: NUMBER,
  k: NUMBER,
  start: NUMBER,
  statistics: FUNCTION,
  validation: objectOf('x', 'y', 'batchSize'),
  leaveInModel: FLAG,
  epochs: NUMBER,
  continue: FLAG,
};

/** Where averaging stands. Plain data: keep it with the checkpoint (`v8.serialize`). */
export interface AveragedWeightsState {
  schemaVersion: 1;
  /** The average and its number: `ema:0.99`. */
  averaging: string;
  /** Shapes of all weights, in the order of `model.getWeights()`. */
  shapes: number[][];
  /** Epochs that have ended. */
  epochs: number;
  average: AverageState<Float32Array>;
}
