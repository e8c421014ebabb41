// Mean, standard deviation and confidence interval of a quantity measured once per seed. Pure functions.

import type { Estimate } from '../../evaluation/schema.js';
import { drawnInterval, resamplingsOf } from './bootstrap.js';

function meanOf(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

/** Percentile bootstrap of the mean. The resamplings are the same for every call with as many values. */
export function bootstrapInterval(values: readonly number[], level = 0.95): [low: number, high: number] {
  return drawnInterval(resamplingsOf(values.length), (seeds) => meanOf(seeds.map((i) => values[i])), level);
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
