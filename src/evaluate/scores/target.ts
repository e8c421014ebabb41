// The target that plain training sets for all methods. Pure functions.

import { type Better, bestOf, type Curve } from './curve.js';

/** Share of the target that the second, easier target is. */
export const EASIER = 0.98;

/**
 * The target: the median over seeds of the best value that plain training reaches within its budget. A training that diverged
 * is worse than any value.
 *
 * Of an even count it is the worse of the two in the middle, so that plain training reaches its own target with more than half
 * of its seeds, and its median time to it is finite.
 *
 * @returns null when there is no training, or half of them diverged.
 */
export function plainTarget(curves: readonly Curve[], better: Better): number | null {
  const sign = better === 'higher' ? 1 : -1;
  const worst = Number.NEGATIVE_INFINITY;
  const ranks = curves.map(({ values, diverged }) => {
    const best = diverged ? null : bestOf(values, better);
    return best === null ? worst : sign * best.value;
  });
  if (ranks.length === 0) return null;
  ranks.sort((a, b) => a - b);
  const median = ranks[(ranks.length - 1) >> 1];
  return median === worst ? null : sign * median;
}

/**
 * An easier target: `share` of a value where higher is better, and value / share where lower is better, e.g. 0.98 x 0.70 =
 * 0.686 of an accuracy, 4.9 / 0.98 = 5 of a perplexity. Below zero it is the other way round.
 */
export function easierTarget(value: number, better: Better, share = EASIER): number {
  return (better === 'higher') === value >= 0 ? value * share : value / share;
}
