// The speed-up over every new best that plain training sets, a secondary measure. Pure functions.

import { type Better, epochsTo, isAsGood } from './curve.js';

/** Every epoch (from 1) after epoch `after` at which the metric is better than ever before. */
export function newBestsAfter(
  metric: readonly (number | null)[],
  after: number,
  better: Better,
): { epoch: number; value: number }[] {
  const bests: { epoch: number; value: number }[] = [];
  let best: number | null = null;
  for (const [i, value] of metric.entries()) {
    if (value === null || !Number.isFinite(value) || (best !== null && isAsGood(better, best, value))) continue;
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
  better: Better,
): NewBestSpeedup {
  const bests = newBestsAfter(plain, after, better);
  if (bests.length === 0) return { speedup: null, reached: 0, total: 0 };
  const needed = bests.map(({ value }) => epochsTo(method, value, better));
  const ratios = bests.map(({ epoch }, i) => epoch / (needed[i] ?? epochs + 1));
  return {
    speedup: ratios.reduce((sum, ratio) => sum + ratio, 0) / ratios.length,
    reached: needed.filter((value) => value !== null).length,
    total: bests.length,
  };
}
