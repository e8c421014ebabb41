// Adam (Kingma and Ba, 2015), with the settings of Keras.

import * as tf from '@tensorflow/tfjs-core';
import type { OptimizerDefinition } from './definition.js';

const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 };

export const adam: OptimizerDefinition<'adam', typeof settings> = {
  name: 'adam',
  settings,
  learningRates: [3e-4, 3e-3],
  usualLearningRate: 1e-3,
  make: (learningRate, { beta1, beta2, epsilon }) => tf.train.adam(learningRate, beta1, beta2, epsilon),
};
