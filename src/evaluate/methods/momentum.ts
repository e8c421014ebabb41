// Plain training with momentum and, unless told otherwise, its usual cosine schedule.

import type { Method } from '../../evaluation/schema.js';
import { momentum as optimizer } from '../../tasks/optimizers/sgd.js';
import type { MethodDefinition } from './definition.js';
import { flagSetting, numberSetting } from './setting.js';

export const momentum: MethodDefinition<Method, { momentum: number; nesterov: boolean }> = {
  type: 'momentum',
  settings: {
    momentum: numberSetting('share of the last update in each', {
      from: 0,
      below: 1,
      default: optimizer.settings.momentum,
    }),
    nesterov: flagSetting('whether to look ahead as Nesterov does', optimizer.settings.nesterov),
  },
  optimizer: (settings, { learningRate }) => ({
    name: 'momentum',
    learningRate,
    momentum: settings.momentum,
    nesterov: settings.nesterov,
    schedule: 'cosine',
  }),
  describe: () => ({
    sentence: 'plain training with momentum, its rate falling along a cosine to zero unless a schedule is given',
    command: 'momentum',
  }),
};
