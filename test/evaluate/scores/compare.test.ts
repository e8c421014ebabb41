import { describe, expect, it } from 'vitest';
import { drawnInterval, percentileInterval, resample, resamplingsOf } from '../../../src/evaluate/scores/bootstrap.js';
import { compare, type TargetRule } from '../../../src/evaluate/scores/compare.js';
import { NEVER } from '../../../src/evaluate/scores/curve.js';
import { overallRatio } from '../../../src/evaluate/scores/overall.js';
import { plainTarget } from '../../../src/evaluate/scores/target.js';
import { curve, reachingAt } from './curve.js';

const never = Number.POSITIVE_INFINITY;
const higher: TargetRule = { better: 'higher', targetOf: (plain) => plainTarget(plain, 'higher') };
const at = (target: number): TargetRule => ({ better: 'higher', targetOf: () => target });

describe('resamplingsOf', () => {
  it('draws each of the seeds as often as chance has it, the same each time', () => {
    const resamplings = resamplingsOf(3, 'a');
    expect(resamplingsOf(3, 'a').draws).toEqual(resamplings.draws);
    expect(resamplingsOf(3, 'b').draws).not.toEqual(resamplings.draws);
    expect(resamplings.distinct.length).toBe(10);
    const means = resample(resamplings, (seeds) => seeds.reduce((sum, seed) => sum + seed, 0) / 3);
    expect(means.reduce((sum, mean) => sum + mean, 0) / means.length).toBeCloseTo(1, 1);
    const allFirst = resample(resamplings, (seeds) => Number(seeds.every((seed) => seed === 0)));
    expect(allFirst.reduce((sum, value) => sum + value, 0) / 10_000).toBeCloseTo(1 / 27, 2);
  });

  it('gives the same interval by drawing as by sorting all resamplings', () => {
    for (const count of [2, 3, 5, 9]) {
      const resamplings = resamplingsOf(count, 'a');
      const statistic = (seeds: readonly number[]) =>
        seeds.includes(1) ? seeds.reduce((sum, seed) => sum + Math.sin(seed), 0) : never;
      expect(drawnInterval(resamplings, statistic)).toEqual(percentileInterval(resample(resamplings, statistic)));
    }
  });

  it('gives percentiles, of which one may be infinite', () => {
    const values = Float64Array.from({ length: 1001 }, (_, i) => i);
    expect(percentileInterval(values)).toEqual([25, 975]);
    expect(percentileInterval(values.map((value) => (value > 900 ? never : value)))).toEqual([25, never]);
  });
});

describe('compare', () => {
  it('gives known medians and ratios: the times of 8, 6, 10 epochs against 4, 6, 5', () => {
    const plain = [8, 6, 10].map((epoch) => reachingAt(epoch));
    const method = [4, 6, 5].map((epoch) => reachingAt(epoch, 0.9, 2));
    const { target, reaches, median, ratio } = compare(plain, method, higher, 'task');
    expect(target).toBe(0.9);
    expect(reaches.map((reach) => reach!.epochs)).toEqual([4, 6, 5]);
    expect(median).toEqual({ epochs: 5, seconds: 10 });
    expect(ratio.epochs.value).toBe(5 / 8);
    expect(ratio.seconds.value).toBe(10 / 8);
    // All draws of one seed only: 4/8, 6/6, 5/10. Each has 1 in 27 > 2.5%, so that they are the interval's ends.
    expect(ratio.epochs.interval).toEqual([0.5, 1]);
    expect(ratio.seconds.interval).toEqual([1, 2]);
  });

  it('scores a method that does nothing exactly 1, and plain itself', () => {
    const plain = [curve([0.1, 0.5, 0.4]), curve([0.2, 0.3, 0.6]), curve([0.3, 0.2, 0.1])];
    for (const rule of [higher, at(0.3)]) {
      const { ratio } = compare(plain, plain, rule, 'task');
      expect(ratio.epochs).toMatchObject({ value: 1, interval: [1, 1] });
      expect(ratio.seconds).toMatchObject({ value: 1, interval: [1, 1] });
    }
  });

  it('sets the target anew in each resampling, so that plain always reaches it', () => {
    // With the target of all seeds, 0.8, a resampling of the third seed alone would never reach it: 0 at the low end.
    const plain = [curve([0.1, 0.9]), curve([0.1, 0.8]), curve([0.1, 0.7])];
    const method = [curve([0.9, 0.9]), curve([0.8, 0.8]), curve([0.7, 0.7])];
    const { target, reaches, ratio } = compare(plain, method, higher, 'task');
    expect(target).toBe(0.8);
    expect(reaches).toEqual([{ epochs: 1, seconds: 1 }, { epochs: 1, seconds: 1 }, NEVER]);
    expect(ratio.epochs).toMatchObject({ value: 0.5, interval: [0.5, 0.5] });
  });

  it('counts what never gets there as infinite', () => {
    const plain = [8, 6, 10].map((epoch) => reachingAt(epoch));
    const slow = [reachingAt(9), reachingAt(3, 0.7), reachingAt(3, 0.7)];
    const lost = compare(plain, slow, higher, 'task');
    expect(lost.median).toEqual(NEVER);
    expect(lost.ratio.epochs.value).toBe(never);
    expect(lost.ratio.epochs.interval).toEqual([9 / 8, never]);
    const half = compare(plain.slice(0, 2), [reachingAt(4), reachingAt(3, 0.7)], higher, 'task');
    expect(half.median).toEqual(NEVER);
  });

  it('compares at a given target, which plain itself may miss', () => {
    const plain = [reachingAt(8, 0.7), reachingAt(8, 0.7), reachingAt(8)];
    const method = [reachingAt(4), reachingAt(4), reachingAt(4)];
    expect(compare(plain, method, at(0.85), 'task').ratio.epochs).toMatchObject({ value: 0, interval: [0, 0.5] });
    const both = compare(plain, plain, at(0.95), 'task');
    expect(both.median).toEqual(NEVER);
    expect(both.ratio.epochs).toMatchObject({ value: null, interval: null });
  });

  it('pairs by seed, and leaves out seeds without a training', () => {
    const plain = [reachingAt(8), null, reachingAt(10)];
    const method = [reachingAt(4), reachingAt(2), null];
    const { reaches, median, ratio } = compare(plain, method, higher, 'task');
    expect(reaches.map((reach) => reach?.epochs ?? null)).toEqual([4, 2, null]);
    expect(median!.epochs).toBe(3);
    expect(ratio.epochs).toMatchObject({ value: 0.5, interval: null });
    const nothing = compare([null], [reachingAt(4)], higher, 'task');
    expect(nothing).toMatchObject({ target: null, reaches: [null], median: null });
    expect(nothing.ratio.epochs.value).toBeNull();
  });

  it('works where lower is better', () => {
    const lower: TargetRule = { better: 'lower', targetOf: (curves) => plainTarget(curves, 'lower') };
    const plain = [curve([9, 8, 7, 6]), curve([9, 8, 7, 6])];
    const { target, ratio } = compare(plain, [curve([9, 6, 6, 6]), curve([9, 5, 6, 7])], lower, 'task');
    expect(target).toBe(6);
    expect(ratio.epochs.value).toBe(0.5);
  });
});

describe('overallRatio', () => {
  const ratioOf = (plain: number[], method: number[], stream: string) =>
    compare(
      plain.map((epoch) => reachingAt(epoch)),
      method.map((epoch) => reachingAt(epoch)),
      higher,
      stream,
    ).ratio.epochs;

  it('is the geometric mean over the tasks that were reached', () => {
    const [half, double] = [ratioOf([4, 4], [2, 2], 'a'), ratioOf([3, 3], [6, 6], 'b')];
    const lost = { value: never, interval: [never, never] as [number, number], resampled: new Float64Array(10_000) };
    expect(overallRatio([half, double, lost]).value).toBeCloseTo(1, 12);
    expect(overallRatio([half, double, lost]).interval![0]).toBeCloseTo(1, 12);
    expect(overallRatio([half, half]).value).toBeCloseTo(0.5, 12);
    expect(overallRatio([lost])).toEqual({ value: null, interval: null });
  });

  it('has a narrower interval than one task, since the tasks are drawn independently', () => {
    const tasks = ['a', 'b', 'c', 'd'].map((stream) => ratioOf([8, 8, 8], [4, 6, 9], stream));
    const [low, high] = overallRatio(tasks).interval!;
    expect(low).toBeGreaterThan(0.5);
    expect(high).toBeLessThan(9 / 8);
    expect(tasks[0].interval).toEqual([0.5, 9 / 8]);
    expect(overallRatio(tasks).value).toBeCloseTo(6 / 8, 12);
  });
});
