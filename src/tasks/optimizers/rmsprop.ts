// RMSprop (Tieleman and Hinton, 2012), with the settings of Keras.

import * as tf from '@tensorflow/tfjs-core';
import type { OptimizerDefinition } from './definition.js';

const settings = { decay: 0.9, momentum: 0, epsilon: 1e-7 };

export const rmsprop: OptimizerDefinition<'rmsprop', typeof settings> = {
  name: 'rmsprop',
  settings,
  learningRates: [3e-4, 3e-3],
  usualLearningRate: 1e-3,
  make: (learningRate, { decay, momentum, epsilon }) => tf.train.rmsprop(learningRate, decay, momentum, epsilon),
};
