import { describe, expect, it } from 'vitest';
import { easierTarget, plainTarget } from '../../../src/evaluate/scores/target.js';
import { medianOf } from '../../../src/evaluation/median.js';
import { curve } from './curve.js';

describe('plainTarget', () => {
  it('is the median over seeds of the best value, wherever in the training that was', () => {
    const curves = [curve([0.2, 0.7, 0.1]), curve([0.9, 0.3]), curve([0.1, 0.8])];
    expect(plainTarget(curves, 'higher')).toBe(0.8);
    expect(plainTarget([curve([9, 4, 6]), curve([3, 8]), curve([7, 5])], 'lower')).toBe(4);
  });

  it('takes the worse of the two in the middle of an even count, so that more than half reach it', () => {
    const bests = [0.6, 0.9, 0.8, 0.7].map((best) => curve([0.1, best]));
    expect(plainTarget(bests, 'higher')).toBe(0.7);
    expect(plainTarget(bests.slice(0, 2), 'higher')).toBe(0.6);
    expect(
      plainTarget(
        [4, 3, 6, 5].map((best) => curve([9, best])),
        'lower',
      ),
    ).toBe(5);
  });

  it('counts a diverged training as worse than any value', () => {
    const [good, better, diverged] = [curve([0.5]), curve([0.6]), curve([0.99, null], 1, true)];
    expect(plainTarget([good, better, diverged], 'higher')).toBe(0.5);
    expect(plainTarget([good, diverged, diverged], 'higher')).toBeNull();
    expect(plainTarget([], 'higher')).toBeNull();
  });
});

describe('easierTarget', () => {
  it('is 2% away in the direction that is easier to reach', () => {
    expect(easierTarget(0.7, 'higher')).toBeCloseTo(0.686, 12);
    expect(easierTarget(4.9, 'lower')).toBeCloseTo(5, 12);
    expect(easierTarget(-10, 'higher')).toBeCloseTo(-10 / 0.98, 12);
    expect(easierTarget(-10, 'lower')).toBeCloseTo(-9.8, 12);
    expect(easierTarget(0, 'lower')).toBe(0);
  });
});

describe('medianOf', () => {
  it('is infinite where a middle value is', () => {
    const never = Number.POSITIVE_INFINITY;
    expect(medianOf([3, 1, 2])).toBe(2);
    expect(medianOf([4, 1, 3, 2])).toBe(2.5);
    expect(medianOf([never, 2, 1])).toBe(2);
    expect(medianOf([2, never])).toBe(never);
    expect(medianOf([1, 2, never, never])).toBe(never);
    expect(medianOf([never, never])).toBe(never);
    expect(medianOf([])).toBeNaN();
  });
});
