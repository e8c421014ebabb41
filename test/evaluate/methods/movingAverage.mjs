// A method from outside of the toolkit: the moving average of the weights from the initial ones on, step by step, is validated in
// place of the trained weights. docs/extending.md walks through it.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { numberSetting } from 'weight-nowcaster/evaluate';

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

/** @type {import('weight-nowcaster/evaluate').MethodDefinition<import('weight-nowcaster/evaluate').Method, { decay: number }>} */
export default {
  type: 'moving-average',
  settings: {
    decay: numberSetting('share of the average that each step keeps', { above: 0, below: 1, default: 0.99 }),
  },
  validatesOwn: true,
  describe: () => ({
    sentence: 'plain training, validated by the moving average of the weights',
    command: 'moving-average',
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
