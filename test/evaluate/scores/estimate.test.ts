import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bootstrapInterval, estimate } from '../../../src/evaluate/scores/estimate.js';

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
