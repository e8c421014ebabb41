import { describe, expect, it } from 'vitest';
import { newBestsAfter, speedupOverNewBests } from '../../../src/evaluate/scores/newBests.js';

describe('newBestsAfter', () => {
  it('lists new bests after an epoch, measured against all before', () => {
    expect(newBestsAfter([0.1, 0.5, 0.4, 0.6, null, 0.6, 0.7], 3, 'higher')).toEqual([
      { epoch: 4, value: 0.6 },
      { epoch: 7, value: 0.7 },
    ]);
    expect(newBestsAfter([9, 5, 6, 4, null, 4, 3], 3, 'lower')).toEqual([
      { epoch: 4, value: 4 },
      { epoch: 7, value: 3 },
    ]);
  });
});

describe('speedupOverNewBests', () => {
  const slow = Array.from({ length: 50 }, (_, i) => (i + 1) / 100);
  const twiceAsFast = slow.map((_, i) => (2 * (i + 1)) / 100);

  it('is 1 for the same run, and 2 for one twice as fast (odd epochs reach a little late)', () => {
    expect(speedupOverNewBests(slow, slow, 20, 50, 'higher')).toEqual({ speedup: 1, reached: 30, total: 30 });
    const { speedup, reached } = speedupOverNewBests(slow, twiceAsFast, 20, 50, 'higher');
    const exact = Array.from({ length: 30 }, (_, i) => (i + 21) / Math.ceil((i + 21) / 2));
    expect(speedup).toBeCloseTo(exact.reduce((sum, value) => sum + value, 0) / 30, 12);
    expect(reached).toBe(30);
  });

  it('counts what was never reached as reached after the end', () => {
    const stuck = slow.map((value) => Math.min(value, 0.4));
    const { speedup, reached, total } = speedupOverNewBests(slow, stuck, 20, 50, 'higher');
    expect([reached, total]).toEqual([20, 30]);
    const late = Array.from({ length: 10 }, (_, i) => (i + 41) / 51).reduce((sum, value) => sum + value, 0);
    expect(speedup).toBeCloseTo((20 + late) / 30, 12);
  });

  it('says when plain sets no new best', () => {
    expect(speedupOverNewBests([0.9, 0.1, 0.2], [0.9, 0.9, 0.9], 1, 3, 'higher')).toEqual({
      speedup: null,
      reached: 0,
      total: 0,
    });
  });
});
