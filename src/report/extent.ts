// The part of a metric's values that a chart shows. A spike or a runaway training must not flatten all others.

/** Values farther from the best than this many spans of the baseline are cut off. */
const REACH = 2;
/** Spans to which the reach grows where the half of a method's values lies beyond it: a method should not be cut off whole. */
const LONGEST_REACH = 6;
/** From this ratio of the greatest to the least value shown, a scale is logarithmic. */
const LOG_RATIO = 8;

/** Ends of a scale, and whether values lie beyond them. */
export interface Extent {
  low: number;
  high: number;
  log: boolean;
  /** Whether values above `high`, or below `low`, are cut off. */
  cut: 'above' | 'below' | null;
}

/** The value below which a share of the values lies. */
function quantile(sorted: readonly number[], share: number): number {
  return sorted[Math.floor(share * (sorted.length - 1))];
}

/**
 * Chooses what a chart of a metric shows: everything from the best value to twice as far as the baseline spans (98% of its
 * values), farther where a whole method would else be missing.
 *
 * @param curves values of each method, the baseline first; each with at least one.
 */
export function chooseExtent(curves: readonly (readonly number[])[], better: 'higher' | 'lower'): Extent {
  // Reckoned as distances from the best, so that higher and lower are one case.
  const sign = better === 'lower' ? 1 : -1;
  const values = curves.flat();
  const best = Math.min(...values.map((value) => sign * value));
  const distances = curves.map((curve) => curve.map((value) => sign * value - best).sort((a, b) => a - b));
  const all = distances.flat().sort((a, b) => a - b);
  const span = Math.max(quantile(distances[0], 0.98), all[Math.floor(all.length / 2)]);
  const halves = distances.map((curve) => 1.1 * curve[Math.floor(curve.length / 2)]);
  const reach = Math.max(REACH * span, ...halves.filter((half) => half <= LONGEST_REACH * span));
  const worst = all[all.length - 1];
  const cut = span > 0 && worst > reach;
  const ends = [sign * best, sign * (best + (cut ? reach : worst))];
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  return {
    low,
    high,
    log: better === 'lower' && low > 0 && high / low >= LOG_RATIO,
    cut: cut ? (better === 'lower' ? 'above' : 'below') : null,
  };
}
