// The learning rate as it is.

import type { ScheduleDefinition } from './schedule.js';

export const constant: ScheduleDefinition = {
  name: 'constant',
  describe: 'the learning rate as it is',
  parse: () => ({ text: '', factor: () => 1 }),
};
