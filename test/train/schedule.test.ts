// Learning rates at chosen steps, by hand.

import { describe, expect, it } from 'vitest';
import { learningRateAt } from '../../src/train/schedule.js';

const settings = { schedule: 'cosine' as const, learningRate: 0.1, warmUpSteps: 4, plannedSteps: 12 };

describe('learningRateAt', () => {
  it('rises in equal parts during the warm-up', () => {
    expect([0, 1, 2, 3].map((step) => learningRateAt(step, settings))).toEqual(
      [0.025, 0.05, 0.075, 0.1].map((rate) => expect.closeTo(rate, 12)),
    );
  });

  it('falls along a cosine after it', () => {
    expect(learningRateAt(4, settings)).toBeCloseTo(0.1, 12);
    expect(learningRateAt(6, settings)).toBeCloseTo(0.1 * (0.5 + Math.SQRT1_2 / 2), 12);
    expect(learningRateAt(8, settings)).toBeCloseTo(0.05, 12);
    expect(learningRateAt(10, settings)).toBeCloseTo(0.1 * (0.5 - Math.SQRT1_2 / 2), 12);
    expect(learningRateAt(11, settings)).toBeGreaterThan(0);
  });

  it('stays where it is when constant', () => {
    expect(learningRateAt(3, { ...settings, schedule: 'constant' })).toBeCloseTo(0.1, 12);
    expect(learningRateAt(11, { ...settings, schedule: 'constant' })).toBe(0.1);
  });
});
