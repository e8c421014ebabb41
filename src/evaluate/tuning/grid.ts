// What tuning tries: learning rates on a logarithmic grid, and seeds that are not reported. Pure functions.

/** Factor between neighboring learning rates, as long as they stay within {@link REACH}. */
const STEP = Math.sqrt(10);

/** Learning rates lie within this factor of the center, on both sides. */
const REACH = 10;

/** First of the seeds of tuning. */
const FIRST_SEED = 1_000_001;

/**
 * Learning rates around a center, ascending, to three significant digits: a factor of sqrt(10) apart for up to five, denser for
 * more, which then span from a tenth to ten times the center. Of an even count up to four, the one more is above the center.
 *
 * @param count from 0.
 */
export function learningRates(center: number, count: number): number[] {
  const below = Math.floor((count - 1) / 2);
  const factors = Array.from({ length: count }, (_, i) =>
    count <= 5 ? STEP ** (i - below) : REACH ** ((2 * i) / (count - 1) - 1),
  );
  return factors.map((factor) => Number((center * factor).toPrecision(3)));
}

/** Seeds for trials: the same in every evaluation, but for those that are reported. */
export function tuningSeeds(count: number, reported: readonly number[]): number[] {
  const seeds: number[] = [];
  for (let seed = FIRST_SEED; seeds.length < count; seed++) if (!reported.includes(seed)) seeds.push(seed);
  return seeds;
}
