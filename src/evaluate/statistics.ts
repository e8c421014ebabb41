// Statistics over seeds: mean, standard deviation and confidence interval. Pure functions.

import type { Estimate } from '../evaluation/schema.js';
import { Random } from '../random.js';

/** Resamplings of a bootstrap interval. */
const RESAMPLINGS = 10_000;

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Percentile bootstrap of the mean. The resamplings are the same for every call with as many values. */
export function bootstrapInterval(values: readonly number[], level = 0.95): [low: number, high: number] {
  const random = new Random('bootstrap', values.length);
  const means = new Float64Array(RESAMPLINGS);
  for (let r = 0; r < RESAMPLINGS; r++) {
    let sum = 0;
    for (let i = 0; i < values.length; i++) sum += values[random.below(values.length)];
    means[r] = sum / values.length;
  }
  means.sort();
  const tail = (1 - level) / 2;
  return [means[Math.floor(tail * (RESAMPLINGS - 1))], means[Math.ceil((1 - tail) * (RESAMPLINGS - 1))]];
}

/** The estimate from one value per seed. Values that are not finite count as missing. */
export function estimate(values: readonly (number | null)[]): Estimate {
  const kept = values.map((value) => (value !== null && Number.isFinite(value) ? value : null));
  const known = kept.filter((value) => value !== null);
  const mean = known.length > 0 ? meanOf(known) : null;
  const many = known.length > 1 && mean !== null;
  return {
    values: kept,
    count: known.length,
    mean,
    sd: many ? Math.sqrt(known.reduce((sum, value) => sum + (value - mean) ** 2, 0) / (known.length - 1)) : null,
    interval: many ? bootstrapInterval(known) : null,
  };
}

/** The highest value of a metric and its first epoch (from 1); null without values. */
export function bestOf(metric: readonly (number | null)[]): { value: number; epoch: number } | null {
  let best: { value: number; epoch: number } | null = null;
  for (const [i, value] of metric.entries())
    if (value !== null && Number.isFinite(value) && (best === null || value > best.value))
      best = { value, epoch: i + 1 };
  return best;
}

/** The first epoch (from 1) at which a metric is at least `target`; null when it never is. */
export function epochsTo(metric: readonly (number | null)[], target: number): number | null {
  const index = metric.findIndex((value) => value !== null && value >= target);
  return index < 0 ? null : index + 1;
}

/** Every epoch (from 1) after epoch `after` at which the metric reaches a new maximum. */
export function newBestsAfter(metric: readonly (number | null)[], after: number): { epoch: number; value: number }[] {
  const bests: { epoch: number; value: number }[] = [];
  let best = Number.NEGATIVE_INFINITY;
  for (const [i, value] of metric.entries()) {
    if (value === null || !(value > best)) continue;
    best = value;
    if (i + 1 > after) bests.push({ epoch: i + 1, value });
  }
  return bests;
}

/** Speed-up of a run over the new bests of another. */
export interface NewBestSpeedup {
  /** Mean over the new bests of (plain's epochs) / (the method's epochs); null when plain sets none. */
  speedup: number | null;
  /** New bests that the method reached. */
  reached: number;
  /** New bests that plain set. */
  total: number;
}

/**
 * The mean speed-up over every new best that the plain run sets after epoch `after`. Less noisy than the epochs to its
 * overall best, which depend on a single epoch. A new best that the method never reached counts as reached one epoch after
 * its end, an upper bound of the speed-up.
 *
 * @param epochs planned epochs of the method's run.
 */
export function speedupOverNewBests(
  plain: readonly (number | null)[],
  method: readonly (number | null)[],
  after: number,
  epochs: number,
): NewBestSpeedup {
  const bests = newBestsAfter(plain, after);
  if (bests.length === 0) return { speedup: null, reached: 0, total: 0 };
  const needed = bests.map(({ value }) => epochsTo(method, value));
  const ratios = bests.map(({ epoch }, i) => epoch / (needed[i] ?? epochs + 1));
  return {
    speedup: meanOf(ratios),
    reached: needed.filter((value) => value !== null).length,
    total: bests.length,
  };
}
