// A method against plain training on one task: times to a target, their medians over the seeds, and the ratio with its
// bootstrap interval. Pure functions.

import { medianOf } from '../../evaluation/median.js';
import { drawnInterval, resample, resamplingsOf } from './bootstrap.js';
import { type Better, type Curve, type Reach, reachOf } from './curve.js';

/** How a target follows from plain trainings. */
export interface TargetRule {
  better: Better;
  /** The target that these plain trainings set; null when they set none. A given target is a constant. */
  targetOf(plain: readonly Curve[]): number | null;
}

/** A quotient of two times. */
export interface TimeRatio {
  /** The method's time divided by plain's; infinite when only plain gets there, null when neither does. */
  value: number | null;
  /** 95% interval, low and high; null with fewer than two seeds, or without a value. */
  interval: [number, number] | null;
  /** The ratio of each resampling of the seeds; empty where there is no interval. */
  resampled: Float64Array;
}

/** A method against plain training at one target. */
export interface Comparison {
  /** The target; null when plain trainings set none. */
  target: number | null;
  /** Times of each seed; null where there is no training. */
  reaches: (Reach | null)[];
  /** Medians over the seeds that have a training; null without any, or without a target. */
  median: Reach | null;
  ratio: Record<keyof Reach, TimeRatio>;
}

/** a / b of two times, where infinite ones are equal. */
function quotientOf(a: number, b: number): number {
  if (a === b) return 1;
  return b === Number.POSITIVE_INFINITY ? 0 : a / b;
}

/**
 * Compares a method with plain training. A resampling draws seeds with replacement, the same ones of both, and repeats the
 * whole procedure on them, the choice of the target included.
 *
 * @param plain trainings of plain by seed; null: none.
 * @param method the method's, by the same seeds.
 * @param stream of the resamplings: the task, so that those of different tasks are independent.
 */
export function compare(
  plain: readonly (Curve | null)[],
  method: readonly (Curve | null)[],
  rule: TargetRule,
  stream: string,
): Comparison {
  const { better, targetOf } = rule;
  const target = targetOf(plain.filter((curve) => curve !== null));
  const timesTo = (curves: readonly (Curve | null)[], value: number) =>
    curves.map((curve) => curve && reachOf(curve, value, better));
  const medianTime = (reaches: readonly (Reach | null)[]): Reach | null => {
    const own = reaches.filter((reach) => reach !== null);
    if (own.length === 0) return null;
    return { epochs: medianOf(own.map(({ epochs }) => epochs)), seconds: medianOf(own.map(({ seconds }) => seconds)) };
  };
  const reaches = target === null ? method.map(() => null) : timesTo(method, target);

  const pairs = plain.flatMap((curve, i) => (curve && method[i] ? [[curve, method[i]] as const] : []));
  const ratioAt = (seeds: readonly number[], value: number | null, unit: keyof Reach) => {
    if (value === null) return { own: Number.POSITIVE_INFINITY, reference: Number.POSITIVE_INFINITY };
    const side = (of: 0 | 1) =>
      medianTime(
        timesTo(
          seeds.map((i) => pairs[i][of]),
          value,
        ),
      )![unit]; // prettier-ignore
    return { own: side(1), reference: side(0) };
  };
  const ratioIn = (unit: keyof Reach): TimeRatio => {
    const none = { value: null, interval: null, resampled: new Float64Array(0) };
    if (target === null || pairs.length === 0) return none;
    const { own, reference } = ratioAt([...pairs.keys()], target, unit);
    if (own === Number.POSITIVE_INFINITY && reference === Number.POSITIVE_INFINITY) return none;
    const value = quotientOf(own, reference);
    if (pairs.length < 2) return { ...none, value };
    const ratio = (seeds: readonly number[]) => {
      const times = ratioAt(seeds, targetOf(seeds.map((i) => pairs[i][0])), unit);
      return quotientOf(times.own, times.reference);
    };
    const resamplings = resamplingsOf(pairs.length, stream);
    return { value, interval: drawnInterval(resamplings, ratio), resampled: resample(resamplings, ratio) };
  };
  return {
    target,
    reaches,
    median: medianTime(reaches),
    ratio: { epochs: ratioIn('epochs'), seconds: ratioIn('seconds') },
  };
}
