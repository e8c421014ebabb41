// AdamW (Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019): Adam with weight decay that is decoupled
// from the gradient's moments. tfjs has only Adam.

import * as tf from '@tensorflow/tfjs-core';
import { adam } from './adam.js';
import type { OptimizerDefinition } from './definition.js';

type NamedGradients = Parameters<tf.AdamOptimizer['applyGradients']>[0];

/** As in Keras and PyTorch, all trained weights decay by `learningRate * weightDecay` before each step of Adam. */
class AdamW extends tf.AdamOptimizer {
  static override get className(): string {
    return 'AdamW';
  }

  constructor(
    learningRate: number,
    beta1: number,
    beta2: number,
    epsilon: number,
    readonly weightDecay: number,
  ) {
    super(learningRate, beta1, beta2, epsilon);
  }

  override applyGradients(gradients: NamedGradients): void {
    const names = Array.isArray(gradients) ? gradients.map(({ name }) => name) : Object.keys(gradients);
    const variables = tf.engine().registeredVariables;
    tf.tidy(() => {
      for (const name of names) {
        variables[name].assign(tf.mul(variables[name], 1 - this.learningRate * this.weightDecay));
      }
    });
    super.applyGradients(gradients);
  }
}

const settings = { ...adam.settings, weightDecay: 0.004 };

export const adamw: OptimizerDefinition<'adamw', typeof settings> = {
  ...adam,
  name: 'adamw',
  settings,
  make: (learningRate, { beta1, beta2, epsilon, weightDecay }) =>
    new AdamW(learningRate, beta1, beta2, epsilon, weightDecay),
};
