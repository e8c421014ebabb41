// One ratio over several tasks. Pure functions.

import { percentileInterval } from './bootstrap.js';
import type { TimeRatio } from './compare.js';

/** A ratio over the tasks on which a method gets to the target. */
export interface OverallRatio {
  /** Geometric mean of the tasks' ratios; null when it gets to the target on none. */
  value: number | null;
  /** 95% interval over the seeds; null when a task has none. */
  interval: [number, number] | null;
}

/**
 * The geometric mean of ratios. Tasks whose ratio is infinite, or that have none, are left out: say beside it on how many
 * tasks the target was reached.
 */
export function overallRatio(ratios: readonly TimeRatio[]): OverallRatio {
  const reached = ratios.filter(({ value }) => value !== null && Number.isFinite(value));
  if (reached.length === 0) return { value: null, interval: null };
  const meanOf = (values: readonly number[]) =>
    Math.exp(values.reduce((sum, value) => sum + Math.log(value), 0) / values.length);
  const value = meanOf(reached.map((ratio) => ratio.value!));
  if (reached.some(({ interval }) => interval === null)) return { value, interval: null };
  const resampled = reached[0].resampled.map((_, r) => meanOf(reached.map((ratio) => ratio.resampled[r])));
  return { value, interval: percentileInterval(resampled) };
}
