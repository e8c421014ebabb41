// The bootstrap (Efron, 1979) over the seeds of a task, with percentile intervals. Deterministic; pure functions.

import { Random } from '../../random.js';

/** Resamplings of an interval. */
const RESAMPLINGS = 10_000;

/** Drawings of `count` seeds out of `count` with replacement. */
export interface Resamplings {
  /** The different drawings, as ascending indices of seeds. */
  distinct: readonly (readonly number[])[];
  /** For each resampling the index of its drawing. */
  draws: Uint32Array;
  /** How often each was drawn. */
  counts: Uint32Array;
}

const known = new Map<string, Resamplings>();

/**
 * The resamplings of `count` seeds: always the same for the same arguments.
 *
 * @param stream whose they are: statistics that are compared seed by seed share one, independent ones have their own.
 */
export function resamplingsOf(count: number, stream = ''): Resamplings {
  const key = `${count} ${stream}`;
  const existing = known.get(key);
  if (existing !== undefined) return existing;
  const random = new Random('bootstrap', count, stream);
  const distinct: number[][] = [];
  const indices = new Map<string, number>();
  const draws = Uint32Array.from({ length: RESAMPLINGS }, () => {
    const drawn = Array.from({ length: count }, () => random.below(count)).sort((a, b) => a - b);
    const name = drawn.join();
    const index = indices.get(name) ?? distinct.push(drawn) - 1;
    indices.set(name, index);
    return index;
  });
  const counts = new Uint32Array(distinct.length);
  for (const index of draws) counts[index]++;
  const made = { distinct, draws, counts };
  known.set(key, made);
  return made;
}

/** A statistic of every resampling, in their order. It is computed once for each different drawing. */
export function resample(
  { distinct, draws }: Resamplings,
  statistic: (seeds: readonly number[]) => number,
): Float64Array {
  const values = distinct.map(statistic);
  // A loop, since Float64Array.from takes 20 times as long.
  const resampled = new Float64Array(draws.length);
  for (let r = 0; r < draws.length; r++) resampled[r] = values[draws[r]];
  return resampled;
}

/** The percentile interval of a resampled statistic, low and high; an end may be infinite. */
export function percentileInterval(resampled: Float64Array, level = 0.95): [low: number, high: number] {
  const sorted = resampled.slice().sort();
  const tail = (1 - level) / 2;
  return [sorted[Math.floor(tail * (sorted.length - 1))], sorted[Math.ceil((1 - tail) * (sorted.length - 1))]];
}

/** The same of a statistic by drawing. Few seeds have few different drawings, so that there is little to sort. */
export function drawnInterval(
  { distinct, counts }: Resamplings,
  statistic: (seeds: readonly number[]) => number,
  level = 0.95,
): [low: number, high: number] {
  const values = distinct.map(statistic);
  const order = [...values.keys()].sort((a, b) => (values[a] < values[b] ? -1 : 1));
  const total = counts.reduce((sum, count) => sum + count, 0);
  const valueAt = (rank: number) => {
    let passed = 0;
    for (const i of order) {
      passed += counts[i];
      if (rank < passed) return values[i];
    }
    return Number.NaN;
  };
  const tail = (1 - level) / 2;
  return [valueAt(Math.floor(tail * (total - 1))), valueAt(Math.ceil((1 - tail) * (total - 1)))];
}
