import { describe, expect, it } from 'vitest';
import { averageCurve } from '../../src/report/averageCurve.js';
import { syntheticJobs, syntheticRecord } from '../evaluate/syntheticRuns.js';

describe('averageCurve', () => {
  it('gives mean and extremes over the seeds that have a value', () => {
    const [job] = syntheticJobs([1], 3);
    const runs = [syntheticRecord(job, [0.2, 0.4, 0.6], 2), syntheticRecord(job, [0.4, null], 4)];
    expect(averageCurve(runs, 'val_acc')).toEqual([
      { epoch: 1, seconds: 3, mean: 0.30000000000000004, low: 0.2, high: 0.4 },
      { epoch: 2, seconds: 4, mean: 0.4, low: 0.4, high: 0.4 },
      { epoch: 3, seconds: 6, mean: 0.6, low: 0.6, high: 0.6 },
    ]);
    expect(averageCurve([], 'val_acc')).toEqual([]);
  });
});
