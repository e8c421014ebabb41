// Stochastic gradient descent, with and without momentum (Sutskever et al., 2013).

import * as tf from '@tensorflow/tfjs-core';
import type { OptimizerDefinition } from './definition.js';

/** tfjs's momentum optimizer does not dispose of the learning rate that it inherits from SGD. */
class Momentum extends tf.MomentumOptimizer {
  override dispose(): void {
    super.dispose();
    this.c.dispose();
  }
}

export const sgd: OptimizerDefinition<'sgd'> = {
  name: 'sgd',
  settings: {},
  learningRates: [1e-2, 1e-1],
  usualLearningRate: 0.1,
  make: (learningRate) => tf.train.sgd(learningRate),
};

const settings = { momentum: 0.9, nesterov: false };

export const momentum: OptimizerDefinition<'momentum', typeof settings> = {
  name: 'momentum',
  settings,
  learningRates: [3e-3, 3e-2],
  usualLearningRate: 0.1,
  make: (learningRate, { momentum, nesterov }) => new Momentum(learningRate, momentum, nesterov),
};
