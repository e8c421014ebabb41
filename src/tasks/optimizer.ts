// Creates tfjs optimizers from the settings of a plan or a manifest.

import * as tf from '@tensorflow/tfjs-core';
import { UsageError } from '../errors.js';
import type { OptimizerInfo } from '../trajectory/schema.js';
import { AdamW } from './adamw.js';
import { unknownName } from './nearestName.js';

/** Settings of each optimizer other than `learningRate`, with their defaults (those of Keras). */
const DEFAULTS = {
  adam: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7 },
  adamw: { beta1: 0.9, beta2: 0.999, epsilon: 1e-7, weightDecay: 0.004 },
  sgd: {},
  momentum: { momentum: 0.9, nesterov: false },
  rmsprop: { decay: 0.9, momentum: 0, epsilon: 1e-7 },
} as const;

export type OptimizerName = keyof typeof DEFAULTS;

/** Names of all optimizers. */
export const OPTIMIZERS = Object.keys(DEFAULTS) as OptimizerName[];

/**
 * An optimizer's settings with the defaults filled in, as a run's manifest records them.
 *
 * @throws {@link UsageError} for an unknown optimizer or setting, or a learning rate that is not positive.
 */
export function completeOptimizer(info: OptimizerInfo): OptimizerInfo & { name: OptimizerName } {
  const name = OPTIMIZERS.find((candidate) => candidate === info.name);
  if (name === undefined) throw unknownName('optimizer', String(info.name), OPTIMIZERS);
  const complete: OptimizerInfo = { name, learningRate: info.learningRate, ...DEFAULTS[name] };
  for (const [setting, value] of Object.entries(info)) {
    if (!(setting in complete)) throw unknownName(`setting of ${name}`, setting, Object.keys(complete));
    if (typeof value !== typeof complete[setting]) {
      throw new UsageError({
        what: `${setting} of ${name} must be a ${typeof complete[setting]}`,
        where: String(value),
        remedy: 'correct the value',
      });
    }
    complete[setting] = value;
  }
  if (!(typeof info.learningRate === 'number' && info.learningRate > 0 && Number.isFinite(info.learningRate))) {
    throw new UsageError({
      what: 'not a learning rate',
      where: `${name} ${info.learningRate}`,
      remedy: 'give a positive number, e.g. 0.001',
    });
  }
  return complete as OptimizerInfo & { name: OptimizerName };
}

/**
 * Creates the optimizer. The caller disposes of it.
 *
 * @throws {@link UsageError} as {@link completeOptimizer}.
 */
export function makeOptimizer(info: OptimizerInfo): tf.Optimizer {
  const { name, learningRate, ...settings } = completeOptimizer(info);
  const rate = learningRate as number;
  const number = (setting: string) => settings[setting] as number;
  switch (name) {
    case 'adam':
      return tf.train.adam(rate, number('beta1'), number('beta2'), number('epsilon'));
    case 'adamw':
      return new AdamW(rate, number('beta1'), number('beta2'), number('epsilon'), number('weightDecay'));
    case 'sgd':
      return tf.train.sgd(rate);
    case 'momentum':
      return new Momentum(rate, number('momentum'), settings.nesterov as boolean);
    case 'rmsprop':
      return tf.train.rmsprop(rate, number('decay'), number('momentum'), number('epsilon'));
    default:
      throw name satisfies never;
  }
}

/** tfjs's momentum optimizer does not dispose of the learning rate that it inherits from SGD. */
class Momentum extends tf.MomentumOptimizer {
  override dispose(): void {
    super.dispose();
    this.c.dispose();
  }
}
