// Plain training with Schedule-Free AdamW, which validates its average.

import type { Method } from '../../evaluation/schema.js';
import { scheduleFree as optimizer } from '../../tasks/optimizers/scheduleFree.js';
import type { MethodDefinition } from './definition.js';
import { numberSetting } from './setting.js';

/** Settings of the method. */
interface ScheduleFreeSettings {
  beta: number;
  weightDecay: number;
  warmUp: number;
}

export const scheduleFree: MethodDefinition<Method, ScheduleFreeSettings> = {
  type: 'schedule-free',
  settings: {
    beta: numberSetting('how far from the fast weights to the average gradients are taken', {
      above: 0,
      below: 1,
      default: optimizer.settings.beta1,
    }),
    weightDecay: numberSetting('decay of the weights a step, times the learning rate', {
      from: 0,
      default: optimizer.settings.weightDecay,
    }),
    warmUp: numberSetting('share of the budget in which the rate rises', { from: 0, below: 1, default: 0.05 }),
  },
  validatesOwn: true,
  optimizer: ({ beta, weightDecay, warmUp }, { learningRate }) => ({
    name: 'schedule-free',
    learningRate,
    beta1: beta,
    weightDecay,
    schedule: warmUp > 0 ? `warmup:${warmUp}` : 'constant',
  }),
  describe: () => ({
    sentence: 'plain training with Schedule-Free AdamW, validated at its average',
    command: 'schedule-free',
  }),
};
