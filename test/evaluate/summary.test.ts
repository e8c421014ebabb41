import { describe, expect, it } from 'vitest';
import type { Nowcast } from '../../src/callback/index.js';
import { summarize } from '../../src/evaluate/summary.js';
import type { RunRecord } from '../../src/evaluation/schema.js';
import { syntheticJobs, syntheticRecord } from './syntheticRuns.js';

const rising = (epochs: number, perEpoch: number, top = 1) =>
  Array.from({ length: epochs }, (_, i) => Math.min(top, Number(((i + 1) * perEpoch).toFixed(6))));

const nowcast = (epoch: number, seconds: number, outcome: Nowcast['outcome'] = 'kept'): Nowcast => ({
  snapshot: epoch,
  epoch,
  outcome,
  reason: null,
  scalars: { conv: 10, fc: 20, bias: 3 },
  seconds,
  stepScale: 1,
  probation: null,
});

/** Records of every job, made by a function of its method and seed; null: not finished. */
function recordsOf(
  jobs: ReturnType<typeof syntheticJobs>,
  make: (job: (typeof jobs)[number]) => RunRecord | null,
): Map<string, RunRecord> {
  return new Map(jobs.flatMap((job) => make(job) ?? []).map((record) => [record.id, record]));
}

describe('summarize', () => {
  it('gives the known metrics of a method that is twice as fast per epoch and 1.5 times slower per second', () => {
    const jobs = syntheticJobs([1, 2], 20);
    const records = recordsOf(jobs, (job) => {
      if (job.method.name === 'ours') {
        const nowcasts = [nowcast(4, 0.2), nowcast(9, 0.4), nowcast(14, 99, 'skipped')];
        return syntheticRecord(job, rising(20, 0.08, 0.96), 1.5, { nowcasts });
      }
      // Seed 2 has a better best, so that the gain differs by seed.
      return syntheticRecord(job, rising(20, 0.04, job.seed === 1 ? 0.8 : 0.72));
    });
    const [{ task, seeds, methods }] = summarize(jobs, records, { targets: [0.4, 0.99], newBestsAfter: 10 });
    expect(task).toBe('mnist/lenet');
    expect(seeds).toEqual([1, 2]);
    expect(methods.map(({ name }) => name)).toEqual(['plain', 'linear', 'ours']);
    const [plain, linear, ours] = methods;

    expect(plain.best.values).toEqual([0.8, 0.72]);
    expect(plain.gain.mean).toBe(0);
    expect(plain.toPlainBest.epochs.values).toEqual([20, 18]);
    expect(plain.toPlainBest.speedup.mean).toBe(1);
    expect(linear.newBests.speedup.mean).toBe(1);

    expect(ours.best.mean).toBeCloseTo(0.96, 12);
    expect(ours.gain.values[0]).toBeCloseTo(0.16, 12);
    expect(ours.gain.values[1]).toBeCloseTo(0.24, 12);
    expect(ours.gain.interval![0]).toBeCloseTo(0.16, 12);
    expect(ours.toPlainBest.epochs.values).toEqual([10, 9]);
    expect(ours.toPlainBest.seconds.values).toEqual([15, 13.5]);
    expect(ours.toPlainBest.speedup).toMatchObject({ mean: 2, sd: 0, interval: [2, 2] });
    expect(ours.toPlainBest.speedupSeconds.mean).toBeCloseTo(20 / 15, 12);
    expect(ours.toPlainBest.reached).toBe(2);
    expect(ours.newBests).toMatchObject({ reached: 18, total: 18 });
    expect(ours.secondsPerNowcast.mean).toBeCloseTo(0.3, 12);
    expect(ours.nowcasts).toEqual({ kept: 4, undone: 0, skipped: 2, shortened: 0, seen: 6 });
    expect(ours.scalarsPerNowcast).toBe(33);
    expect(ours.toTargets).toMatchObject([
      { target: 0.4, reached: 2, epochs: { mean: 5 }, speedup: { mean: 2 } },
      { target: 0.99, reached: 0, epochs: { mean: null, values: [null, null] }, speedup: { mean: null } },
    ]);
  });

  it('says what was not reached, and takes means over the seeds that reached it', () => {
    const jobs = syntheticJobs([1, 2], 10);
    const records = recordsOf(jobs, (job) =>
      syntheticRecord(job, rising(10, 0.05, job.method.name === 'linear' && job.seed === 2 ? 0.2 : 1)),
    );
    const linear = summarize(jobs, records)[0].methods[1];
    expect(linear.toPlainBest.epochs).toMatchObject({
      values: [10, null],
      count: 1,
      mean: 10,
      sd: null,
      interval: null,
    });
    expect(linear.toPlainBest.reached).toBe(1);
  });

  it('copes with divergence, missing runs and a single seed without a NaN', () => {
    const jobs = syntheticJobs([5], 4, ['mnist/lenet', 'mnist/mlp']);
    const records = recordsOf(jobs, (job) => {
      if (job.task === 'mnist/mlp') return null;
      if (job.method.name === 'plain') return syntheticRecord(job, [null], 1, { status: 'diverged' });
      return job.method.name === 'ours' ? null : syntheticRecord(job, [0.1, 0.2, null, 0.3]);
    });
    const tasks = summarize(jobs, records, { targets: [0.2] });
    const [plain, linear, ours] = tasks[0].methods;
    expect(plain.diverged).toEqual([5]);
    expect(plain.best.mean).toBeNull();
    expect(linear.best).toMatchObject({ mean: 0.3, sd: null, interval: null });
    expect(linear.gain.mean).toBeNull();
    expect(linear.toTargets[0]).toMatchObject({ reached: 1, epochs: { mean: 2 }, speedup: { mean: null } });
    expect(ours.best.count).toBe(0);
    expect(tasks[1].methods.every(({ best }) => best.mean === null)).toBe(true);
    // null is what JSON makes of NaN too: look for the numbers themselves.
    const numbers: unknown[] = [];
    JSON.stringify(tasks, (_key, value) => {
      if (typeof value === 'number') numbers.push(value);
      return value;
    });
    expect(numbers.every(Number.isFinite)).toBe(true);
  });
});
