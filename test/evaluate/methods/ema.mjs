// A method from outside of the toolkit: the exponential moving average of the weights, step by step, is validated in place of
// the trained weights. docs/extending.md walks through it.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { UsageError } from 'weight-nowcaster';

class MovingAverage extends tfl.Callback {
  /** Tensors in the order of `model.getWeights()`. */
  average = [];

  constructor(decay) {
    super();
    this.decay = decay;
  }

  async onTrainBegin() {
    this.average = this.model.getWeights().map((weight) => tf.clone(weight));
  }

  async onBatchEnd() {
    const before = this.average;
    this.average = tf.tidy(() =>
      this.model.getWeights().map((weight, i) => tf.add(tf.mul(before[i], this.decay), tf.mul(weight, 1 - this.decay))),
    );
    tf.dispose(before);
  }
}

/** @type {import('weight-nowcaster/evaluate').MethodDefinition} */
export default {
  type: 'ema',
  argument: 'DECAY',
  parse(argument) {
    const decay = Number(argument);
    if (!(decay > 0 && decay < 1))
      throw new UsageError({ what: 'not a decay', where: argument, remedy: 'give a number between 0 and 1' });
    return { type: 'ema', name: `ema-${decay}`, decay };
  },
  describe: ({ decay }) => ({
    sentence: `the moving average of the weights, decay ${decay} a step, validated in their place`,
    command: `ema:${decay}`,
  }),
  train({ decay }) {
    const callback = new MovingAverage(decay);
    return {
      callback,
      validationWeights: async () => callback.average,
      dispose: async () => tf.dispose(callback.average),
    };
  },
};
