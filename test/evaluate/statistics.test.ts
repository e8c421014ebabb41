import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import {
  bestOf,
  bootstrapInterval,
  epochsTo,
  estimate,
  newBestsAfter,
  speedupOverNewBests,
} from '../../src/evaluate/statistics.js';

describe('estimate', () => {
  it('gives mean and sample deviation of known numbers', () => {
    const { mean, sd, count } = estimate([2, 4, 4, 4, 5, 5, 7, 9]);
    expect(mean).toBe(5);
    expect(sd).toBeCloseTo(Math.sqrt(32 / 7), 12);
    expect(count).toBe(8);
  });

  it('leaves out what is missing or not finite, and never gives NaN', () => {
    expect(estimate([null, Number.NaN, 3])).toEqual({
      values: [null, null, 3],
      count: 1,
      mean: 3,
      sd: null,
      interval: null,
    });
    expect(estimate([])).toEqual({ values: [], count: 0, mean: null, sd: null, interval: null });
    expect(estimate([null])).toMatchObject({ mean: null, interval: null });
  });

  it('gives an interval that holds the mean, has the width of the theory, and is the same each time', () => {
    const values = Array.from({ length: 40 }, (_, i) => Math.sin(12.9898 * i) * 3 + 1);
    const { mean, sd, interval } = estimate(values);
    const [low, high] = interval!;
    expect(low).toBeLessThan(mean!);
    expect(high).toBeGreaterThan(mean!);
    expect((high - low) / ((2 * 1.96 * sd!) / Math.sqrt(40))).toBeCloseTo(1, 1);
    expect(bootstrapInterval(values)).toEqual(interval);
  });

  it('gives the exact interval of two values: both ends are possible means in more than 2.5% of resamplings', () => {
    expect(bootstrapInterval([1, 3])).toEqual([1, 3]);
    expect(bootstrapInterval([2, 2, 2])).toEqual([2, 2]);
  });

  it('stays within the values', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ noNaN: true, min: -1e6, max: 1e6 }), { minLength: 2, maxLength: 8 }),
        (values) => {
          const [low, high] = bootstrapInterval(values);
          const slack = 1e-9 * Math.max(...values.map(Math.abs), 1);
          expect(low).toBeGreaterThanOrEqual(Math.min(...values) - slack);
          expect(high).toBeLessThanOrEqual(Math.max(...values) + slack);
          expect(low).toBeLessThanOrEqual(high);
        },
      ),
      { numRuns: 20 },
    );
  });
});

describe('epochs', () => {
  it('finds the first epoch of the best, and the first that reaches a target', () => {
    expect(bestOf([0.2, 0.9, null, 0.9, 0.3])).toEqual({ value: 0.9, epoch: 2 });
    expect(bestOf([null, Number.NaN])).toBeNull();
    expect(epochsTo([null, 0.4, 0.5, 0.6], 0.5)).toBe(3);
    expect(epochsTo([0.1], 0.5)).toBeNull();
  });

  it('lists new bests after an epoch, measured against all before', () => {
    expect(newBestsAfter([0.1, 0.5, 0.4, 0.6, null, 0.6, 0.7], 3)).toEqual([
      { epoch: 4, value: 0.6 },
      { epoch: 7, value: 0.7 },
    ]);
  });
});

describe('speedupOverNewBests', () => {
  const slow = Array.from({ length: 50 }, (_, i) => (i + 1) / 100);
  const twiceAsFast = slow.map((_, i) => (2 * (i + 1)) / 100);

  it('is 1 for the same run, and 2 for one twice as fast (odd epochs reach a little late)', () => {
    expect(speedupOverNewBests(slow, slow, 20, 50)).toEqual({ speedup: 1, reached: 30, total: 30 });
    const { speedup, reached } = speedupOverNewBests(slow, twiceAsFast, 20, 50);
    const exact = Array.from({ length: 30 }, (_, i) => (i + 21) / Math.ceil((i + 21) / 2));
    expect(speedup).toBeCloseTo(exact.reduce((sum, value) => sum + value, 0) / 30, 12);
    expect(reached).toBe(30);
  });

  it('counts what was never reached as reached after the end', () => {
    const stuck = slow.map((value) => Math.min(value, 0.4));
    const { speedup, reached, total } = speedupOverNewBests(slow, stuck, 20, 50);
    expect([reached, total]).toEqual([20, 30]);
    const late = Array.from({ length: 10 }, (_, i) => (i + 41) / 51).reduce((sum, value) => sum + value, 0);
    expect(speedup).toBeCloseTo((20 + late) / 30, 12);
  });

  it('says when plain sets no new best', () => {
    expect(speedupOverNewBests([0.9, 0.1, 0.2], [0.9, 0.9, 0.9], 1, 3)).toEqual({
      speedup: null,
      reached: 0,
      total: 0,
    });
  });
});
