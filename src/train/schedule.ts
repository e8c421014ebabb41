// The learning rate of each step of the meta-training: warm-up, then constant or falling along a cosine. Values only, no state;
// the formulas are those of the tasks' schedules.

import { cosineFactor } from '../tasks/schedules/cosine.js';
import { warmUpFactor } from '../tasks/schedules/warmUp.js';

/** The learning rate after the warm-up. */
export const SCHEDULES = ['cosine', 'constant'] as const;
export type Schedule = (typeof SCHEDULES)[number];

/** The settings that determine the rate of every step. */
export interface ScheduleSettings {
  schedule: Schedule;
  /** Highest rate. */
  learningRate: number;
  /** Steps in which the rate rises in equal parts to `learningRate`: step s has (s + 1) / warmUpSteps of it. */
  warmUpSteps: number;
  /** Planned steps, including the warm-up. */
  plannedSteps: number;
}

/**
 * The learning rate of a step. The cosine (Loshchilov and Hutter, 2017, without restarts) starts from the full rate
 * after the warm-up and would reach 0 one step after the last.
 *
 * @param step from 0 to `plannedSteps - 1`.
 */
export function learningRateAt(step: number, { schedule, learningRate, warmUpSteps, plannedSteps }: ScheduleSettings) {
  if (step < warmUpSteps) return learningRate * warmUpFactor(step, warmUpSteps);
  switch (schedule) {
    case 'constant':
      return learningRate;
    case 'cosine':
      return learningRate * cosineFactor(step - warmUpSteps, plannedSteps - warmUpSteps);
    default:
      return schedule satisfies never;
  }
}
