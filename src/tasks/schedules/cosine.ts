// Half a cosine to zero (Loshchilov and Hutter, 2017, without restarts).

import type { ScheduleDefinition } from './schedule.js';

/**
 * From 1 at step 0 along half a cosine; it would reach 0 one step after the last.
 *
 * @param step from 0 to `steps - 1`.
 */
export function cosineFactor(step: number, steps: number): number {
  return 0.5 * (1 + Math.cos((Math.PI * step) / steps));
}

export const cosine: ScheduleDefinition = {
  name: 'cosine',
  describe: 'half a cosine to zero over the budget',
  parse: () => ({ text: '', factor: (step, { steps }) => cosineFactor(step, steps) }),
};
