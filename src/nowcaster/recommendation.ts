// How training jobs should use a nowcaster, as its makers found best: one object that travels from `wnn export` through
// nowcaster.json to the callback, where options take the place of its fields.

import { UsageError } from '../errors.js';
import type { NowcasterSpec } from '../network/spec.js';
import { isNowcastSchedule, type NowcastSchedule, requirePeriod, requireStart } from './schedule.js';

/** When to nowcast and how far to go. */
export interface Recommendation extends NowcastSchedule {
  /**
   * Step scale: multiplier on the predicted update. 1 lands on the forecast. Above 0, at most 10. A forecast of a single
   * weight is cautious; what all weights forecast together often carries further.
   */
  stepScale: number;
}

/** A larger step scale is a mistake. */
const MOST_STEP_SCALE = 10;
const STEP_SCALE_RANGE = `above 0 and at most ${MOST_STEP_SCALE}`;

function isStepScale(value: unknown): value is number {
  return typeof value === 'number' && value > 0 && value <= MOST_STEP_SCALE;
}

/** What is wrong with a recommendation, e.g. of a parsed file, or null. */
export function recommendationProblem(value: unknown): string | null {
  if (!isNowcastSchedule(value)) return 'period must be a whole number from 1, start one from 0';
  const { stepScale } = value as Partial<Recommendation>;
  return isStepScale(stepScale) ? null : `stepScale must be ${STEP_SCALE_RANGE}, not ${String(stepScale)}`;
}

/** Refuses what cannot be a period, a start or a step scale. @throws UsageError that names the option, prefixed as given. */
export function requireRecommendation(choices: Partial<Recommendation>, prefix = ''): void {
  const { period, start, stepScale } = choices;
  if (period !== undefined) requirePeriod(period, `${prefix}period`);
  if (start !== undefined) requireStart(start, `${prefix}start`);
  if (stepScale === undefined || isStepScale(stepScale)) return;
  throw new UsageError({
    what: `the step scale must be ${STEP_SCALE_RANGE}`,
    where: `${prefix === '' ? 'stepScale' : `${prefix}step-scale`} ${stepScale}`,
    remedy: 'give 1 to go as far as the forecasts, or leave it out',
  });
}

/**
 * What is recommended where nobody found anything better: a nowcast once a window's length, as far as the forecasts,
 * from the first window on that lies in epochs such as the samples came from.
 *
 * @param firstSnapshot first snapshot (from 0) that was sampled.
 */
export function defaultRecommendation({ inputLength }: NowcasterSpec, firstSnapshot = 0): Recommendation {
  return { start: firstSnapshot + inputLength - 1, period: inputLength, stepScale: 1 };
}
