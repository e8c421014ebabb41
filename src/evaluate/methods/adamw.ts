// Plain training with AdamW.

import type { Method } from '../../evaluation/schema.js';
import { adamw as optimizer } from '../../tasks/optimizers/adamw.js';
import type { MethodDefinition } from './definition.js';
import { numberSetting } from './setting.js';

export const adamw: MethodDefinition<Method, { weightDecay: number }> = {
  type: 'adamw',
  settings: {
    weightDecay: numberSetting('decay of the weights a step, times the learning rate', {
      from: 0,
      default: optimizer.settings.weightDecay,
    }),
  },
  optimizer: ({ weightDecay }, { learningRate, schedule }) => ({
    name: 'adamw',
    learningRate,
    weightDecay,
    ...(schedule === undefined ? {} : { schedule }),
  }),
  describe: () => ({ sentence: 'plain training with AdamW', command: 'adamw' }),
};
