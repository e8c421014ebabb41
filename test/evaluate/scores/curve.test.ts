import { describe, expect, it } from 'vitest';
import { bestOf, epochsTo, NEVER, reachOf } from '../../../src/evaluate/scores/curve.js';
import { curve } from './curve.js';

describe('bestOf', () => {
  it('finds the best value and its first epoch, in either direction', () => {
    expect(bestOf([0.1, 0.4, null, 0.4, 0.2], 'higher')).toEqual({ value: 0.4, epoch: 2 });
    expect(bestOf([9, 5, null, 5, 7], 'lower')).toEqual({ value: 5, epoch: 2 });
    expect(bestOf([null, Number.NaN], 'lower')).toBeNull();
  });
});

describe('epochsTo', () => {
  it('counts the first epoch that reaches the target, equality included', () => {
    expect(epochsTo([0.1, 0.3, 0.2, 0.5], 0.3, 'higher')).toBe(2);
    expect(epochsTo([0.1, 0.3, 0.2, 0.5], 0.31, 'higher')).toBe(4);
    expect(epochsTo([8, 6, 7, 4], 6, 'lower')).toBe(2);
    expect(epochsTo([8, 6, 7, 4], 5.9, 'lower')).toBe(4);
    expect(epochsTo([null, 8], 5, 'lower')).toBeNull();
  });
});

describe('reachOf', () => {
  it('gives epochs and the seconds at the end of that epoch', () => {
    expect(reachOf(curve([0.1, 0.3, 0.5], 1.5), 0.3, 'higher')).toEqual({ epochs: 2, seconds: 3 });
  });

  it('is infinite where the target is not reached, and for a training that diverged afterwards', () => {
    expect(reachOf(curve([0.1, 0.3]), 0.4, 'higher')).toEqual(NEVER);
    expect(reachOf(curve([0.1, 0.5, null], 1, true), 0.4, 'higher')).toEqual(NEVER);
    expect(NEVER.epochs).toBe(Number.POSITIVE_INFINITY);
  });
});
