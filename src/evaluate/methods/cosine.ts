// The evaluation's optimizer with a learning rate that falls to zero over the epochs.

import type { Method } from '../../evaluation/schema.js';
import type { MethodDefinition } from './definition.js';
import { numberSetting } from './setting.js';

export const cosine: MethodDefinition<Method, { warmUp: number }> = {
  type: 'cosine',
  settings: { warmUp: numberSetting('share of the budget in which the rate rises', { from: 0, below: 1, default: 0 }) },
  optimizer: ({ warmUp }, base) => ({ ...base, schedule: warmUp > 0 ? `warmup-cosine:${warmUp}` : 'cosine' }),
  describe: () => ({ sentence: 'plain training with a cosine schedule to zero over the budget', command: 'cosine' }),
};
