// The curve of one metric over a training: its best value, and the first epoch that reaches a target. Pure functions.

import type { Metric } from '../../tasks/metric.js';

/** Which of two values of a metric is the better one. */
export type Better = Metric['better'];

/** The curve of one metric over a training. */
export interface Curve {
  /** One value an epoch; null where it was not finite. */
  values: readonly (number | null)[];
  /** Wall-clock seconds from the start to the end of each epoch. */
  seconds: readonly number[];
  /** Whether loss or weights became infinite or NaN. */
  diverged: boolean;
}

/** Time to a target: epochs, from 1, and seconds; both infinite for a training that never gets there. */
export interface Reach {
  epochs: number;
  seconds: number;
}

/** A target that was never reached. */
export const NEVER: Reach = { epochs: Number.POSITIVE_INFINITY, seconds: Number.POSITIVE_INFINITY };

/** Whether a value is at least as good as another one. */
export function isAsGood(better: Better, value: number, as: number): boolean {
  return better === 'higher' ? value >= as : value <= as;
}

/** The best value of a metric and its first epoch (from 1); null without values. */
export function bestOf(values: readonly (number | null)[], better: Better): { value: number; epoch: number } | null {
  let best: { value: number; epoch: number } | null = null;
  for (const [i, value] of values.entries())
    if (value !== null && Number.isFinite(value) && (best === null || !isAsGood(better, best.value, value)))
      best = { value, epoch: i + 1 };
  return best;
}

/** The first epoch (from 1) at which a metric is at least as good as `target`; null when it never is. */
export function epochsTo(values: readonly (number | null)[], target: number, better: Better): number | null {
  const index = values.findIndex((value) => value !== null && isAsGood(better, value, target));
  return index < 0 ? null : index + 1;
}

/**
 * Time to a target. Nothing is interpolated: the first epoch whose value reaches it counts whole. A training that diverged
 * never gets there, whatever it had reached before.
 */
export function reachOf({ values, seconds, diverged }: Curve, target: number, better: Better): Reach {
  const epochs = diverged ? null : epochsTo(values, target, better);
  return epochs === null ? NEVER : { epochs, seconds: seconds[epochs - 1] };
}
