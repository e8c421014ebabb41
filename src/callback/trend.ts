// The trend of the training loss: a robust line through its last values, which a jump is compared with. Losses in, a line
// out; what follows from it is decided in watch.ts.

/** The trend of the loss before a jump, a line in the logarithms of time and (where all losses are positive) of the loss. */
export interface Trend {
  intercept: number;
  /** At most 0. */
  slope: number;
  /** Whether the losses were taken as logarithms. */
  logarithmic: boolean;
  /** Standard deviation of the losses around the line. */
  deviation: number;
  /** Standard deviation of the slope. */
  slopeDeviation: number;
  /** Losses that the intercept is the median of. */
  recent: number;
  /** Lowest and highest of the losses that it was fitted to, as they were taken. */
  range: [number, number];
}

/** Fewest losses that a trend is fitted to. */
const FEWEST = 4;
/** Half of the losses that a trend is fitted to, at most: this many periods, and not less than this many losses. */
const HALF_PERIODS = 2;
const HALF_LOSSES = 6;

/** Losses that a trend is fitted to, at most. */
export function trendLength(period: number): number {
  return 2 * Math.max(HALF_PERIODS * period, HALF_LOSSES);
}

/** Median; of an even number of values the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** Standard deviation of normal values, from their median absolute deviation. */
function robustDeviation(values: readonly number[]): number {
  const center = median(values);
  return 1.4826 * median(values.map((value) => Math.abs(value - center)));
}

/**
 * Fits the trend of the last losses: slopes between losses half the window apart (Theil's incomplete method, 1950), the
 * window's half being whole periods where there are as many losses, so that both are as long after a jump.
 *
 * @param losses oldest first; the last is at time `time`, the others at whole times before it.
 * @returns null when there are too few, or one is not finite.
 */
export function fitTrend(losses: readonly number[], time: number, period: number): Trend | null {
  const most = Math.min(losses.length, trendLength(period)) >> 1;
  const half = most >= period ? most - (most % period) : most;
  const used = losses.slice(losses.length - 2 * half);
  if (used.length < FEWEST || !used.every(Number.isFinite)) return null;
  const logarithmic = used.every((loss) => loss > 0);
  const y = logarithmic ? used.map(Math.log) : used;
  const x = used.map((_, i) => Math.log(time - used.length + 1 + i));
  const slopes = Array.from({ length: half }, (_, i) => (y[i + half] - y[i]) / (x[i + half] - x[i]));
  const slope = Math.min(median(slopes), 0);
  const intercepts = y.map((value, i) => value - slope * x[i]);
  const recent = Math.min(half, (period + 1) >> 1);
  return {
    intercept: median(intercepts.slice(-recent)),
    slope,
    logarithmic,
    deviation: robustDeviation(intercepts),
    slopeDeviation: robustDeviation(slopes),
    recent,
    range: [Math.min(...y), Math.max(...y)],
  };
}
