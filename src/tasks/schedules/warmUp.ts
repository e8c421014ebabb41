// A linear rise to the learning rate, alone and before half a cosine to zero.

import { cosineFactor } from './cosine.js';
import { parseMoment, type ScheduleDefinition, type ScheduleFactor, stepsBefore } from './schedule.js';

/** Rise in equal parts: step s has (s + 1) / warmUpSteps of the rate, until it has all of it. */
export function warmUpFactor(step: number, warmUpSteps: number): number {
  return Math.min(1, (step + 1) / warmUpSteps);
}

/** A schedule that follows a warm-up: `rest` counts its steps, and those of the whole, from the warm-up's end. */
function afterWarmUp(rest: (step: number, steps: number) => number): Omit<ScheduleDefinition, 'name' | 'describe'> {
  return {
    argument: 'SHARE or STEPS',
    defaultArgument: '0.05',
    parse(argument) {
      const moment = parseMoment(argument);
      if (moment === null) return null;
      const factor: ScheduleFactor = (step, { steps }) => {
        const warmUpSteps = stepsBefore(moment, steps, 1);
        return step < warmUpSteps ? warmUpFactor(step, warmUpSteps) : rest(step - warmUpSteps, steps - warmUpSteps);
      };
      return { text: String(moment), factor };
    },
  };
}

export const warmUp: ScheduleDefinition = {
  name: 'warmup',
  describe: 'rises in equal parts over a share of the budget (below 1) or a number of steps, then stays',
  ...afterWarmUp(() => 1),
};

export const warmUpCosine: ScheduleDefinition = {
  name: 'warmup-cosine',
  describe: 'the same warm-up, then half a cosine to zero over the rest of the budget',
  ...afterWarmUp(cosineFactor),
};
