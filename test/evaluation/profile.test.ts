import { describe, expect, it } from 'vitest';
import { profileFactors, profileIntegral, shareWithin } from '../../src/evaluation/profile.js';

const never = Number.POSITIVE_INFINITY;

describe('performance profile', () => {
  // Times of three methods on four tasks; nobody gets there on the last.
  const factors = profileFactors([
    [10, 20, 30, never],
    [5, 40, never, never],
    [10, 20, 120, null],
  ]);

  it('compares with the best method of each task', () => {
    expect(factors).toEqual([
      [2, 1, 1],
      [1, 2, never],
      [2, 1, 4],
    ]);
  });

  it('gives shares of tasks within a factor', () => {
    expect([1, 1.99, 2, 4].map((tau) => shareWithin(factors[0], tau))).toEqual([2 / 3, 2 / 3, 1, 1]);
    expect(shareWithin(factors[1], 4)).toBeCloseTo(2 / 3, 12);
    expect(shareWithin([], 4)).toBe(0);
  });

  it('integrates them over 1 to 4, normalized', () => {
    for (const own of factors) {
      const steps = 30_000;
      let sum = 0;
      for (let i = 0; i < steps; i++) sum += shareWithin(own, 1 + (3 * (i + 0.5)) / steps);
      expect(profileIntegral(own)).toBeCloseTo(sum / steps, 4);
    }
    expect(profileIntegral([1, 1])).toBe(1);
    expect(profileIntegral([never, 5])).toBe(0);
    expect(profileIntegral([1, never])).toBe(0.5);
  });
});
