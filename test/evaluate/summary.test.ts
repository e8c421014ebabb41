import { describe, expect, it } from 'vitest';
import type { Nowcast } from '../../src/callback/index.js';
import { summarizeTask } from '../../src/evaluate/summary.js';
import { syntheticPlan, syntheticRecord, syntheticRecords } from './syntheticRuns.js';

const rising = (epochs: number, perEpoch: number, top = 1) =>
  Array.from({ length: epochs }, (_, i) => Math.min(top, Number(((i + 1) * perEpoch).toFixed(6))));

const nowcast = (epoch: number, seconds: number, outcome: Nowcast['outcome'] = 'kept'): Nowcast => ({
  snapshot: epoch,
  epoch,
  outcome,
  reason: outcome === 'skipped' ? 'not finite' : null,
  scalars: { conv: 10, fc: 20, bias: 3 },
  seconds,
  stepScale: 1,
  probation: null,
});

describe('summarizeTask', () => {
  it('gives the known metrics of a method that is twice as fast per epoch and 1.5 times slower per second', () => {
    const plan = syntheticPlan([1, 2], 20);
    const records = syntheticRecords(plan, (job) => {
      if (job.method.name === 'ours') {
        const nowcasts = [nowcast(4, 0.2), nowcast(9, 0.4), nowcast(14, 99, 'skipped')];
        return syntheticRecord(job, rising(20, 0.08, 0.96), 1.5, { nowcasts });
      }
      // Seed 2 has a better best, so that the gain differs by seed.
      return syntheticRecord(job, rising(20, 0.04, job.seed === 1 ? 0.8 : 0.72));
    });
    const { summary } = summarizeTask(plan[0], records, { targets: [0.4, 0.99], newBestsAfter: 10 });
    const { task, seeds, targets, methods } = summary;
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
    const counts = { kept: 4, reverted: 0, skipped: 2, late: 0, discarded: 0, seen: 6 };
    expect(ours.nowcasts).toEqual({ ...counts, reasons: ['not finite'] });
    expect(ours.scalarsPerNowcast).toBe(33);

    // The targets: the lower of plain's bests, 0.72, 98% of it, the loss at that accuracy, and those that were given.
    expect(targets.map(({ sort, value }) => [sort, value && Number(value.toFixed(6))])).toEqual([
      ['validation', 0.72],
      ['easier validation', 0.7056],
      ['training loss', 0.28],
      ['easier training loss', 0.285714],
      ['given', 0.4],
      ['given', 0.99],
    ]);
    expect(targets.map(({ missedByPlain }) => missedByPlain)).toEqual([[], [], [], [], [], [1, 2]]);
    expect(plain.targets[0]).toMatchObject({ epochs: { values: [18, 18], median: 18 }, reached: 2, trained: 2 });
    expect(ours.targets[0]).toMatchObject({
      epochs: { values: [9, 9], median: 9 },
      seconds: { values: [13.5, 13.5], median: 13.5 },
      epochsRatio: { value: 0.5, interval: [0.5, 0.5] },
      secondsRatio: { value: 0.75 },
      reached: 2,
    });
    expect(ours.targets[2].epochs.median).toBe(9);
    expect(ours.targets[4]).toMatchObject({ epochs: { median: 5 }, epochsRatio: { value: 0.5 } });
    expect(ours.targets[5]).toMatchObject({
      epochs: { values: ['never', 'never'], median: 'never' },
      epochsRatio: { value: null, interval: null },
      reached: 0,
    });
    for (const { epochsRatio, secondsRatio } of linear.targets.slice(0, 5))
      expect([epochsRatio, secondsRatio]).toEqual([
        { value: 1, interval: [1, 1] },
        { value: 1, interval: [1, 1] },
      ]);
    expect([ours.end.mean, ours.collapsed]).toEqual([ours.best.mean, []]);
  });

  it('finds trainings that lose at the end what they had reached, in either direction', () => {
    const plan = syntheticPlan([1, 2], 10, ['mnist/lenet', 'text/chargru']);
    const records = syntheticRecords(plan, (job) => {
      const collapsing = job.method.name === 'ours' && job.seed === 2;
      const values = rising(10, 0.08).map((value, i) => (collapsing && i === 9 ? 0.19 : value));
      const record = syntheticRecord(job, values);
      record.metrics.val_perplexity = values.map((value) => 10 / value);
      return record;
    });
    for (const planned of plan) {
      const [plain, linear, ours] = summarizeTask(planned, records).summary.methods;
      expect([plain.collapsed, linear.collapsed, ours.collapsed]).toEqual([[], [], [2]]);
      expect(ours.end.values[1]).toBeCloseTo(planned.task.metric.better === 'higher' ? 0.19 : 10 / 0.19, 12);
      expect(ours.targets[0].epochs.values).toEqual([10, 'never']);
    }
  });

  it('says what was not reached, and takes means over the seeds that reached it', () => {
    const plan = syntheticPlan([1, 2], 10);
    const records = syntheticRecords(plan, (job) =>
      syntheticRecord(job, rising(10, 0.05, job.method.name === 'linear' && job.seed === 2 ? 0.2 : 1)),
    );
    const linear = summarizeTask(plan[0], records).summary.methods[1];
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
    const plan = syntheticPlan([5], 4, ['mnist/lenet', 'mnist/mlp']);
    const records = syntheticRecords(plan, (job) => {
      if (job.task === 'mnist/mlp') return null;
      if (job.method.name === 'plain') return syntheticRecord(job, [null], 1, { status: 'diverged' });
      return job.method.name === 'ours' ? null : syntheticRecord(job, [0.1, 0.2, null, 0.3]);
    });
    const tasks = plan.map((planned) => summarizeTask(planned, records, { targets: [0.2] }).summary);
    const [plain, linear, ours] = tasks[0].methods;
    expect(plain.diverged).toEqual([5]);
    expect(plain.best.mean).toBeNull();
    expect(linear.best).toMatchObject({ mean: 0.3, sd: null, interval: null });
    expect(linear.gain.mean).toBeNull();
    expect(linear.targets[0]).toMatchObject({ reached: 0, epochs: { values: [null], median: null } });
    expect(linear.targets[4]).toMatchObject({ reached: 1, epochs: { median: 2 }, epochsRatio: { value: 0 } });
    expect(ours.best.count).toBe(0);
    expect(tasks[1].methods.every(({ best }) => best.mean === null)).toBe(true);
    expect(tasks[1].methods[0].targets[0]).toMatchObject({ trained: 0, epochsRatio: { value: null } });
    // null is what JSON makes of NaN too: look for the numbers themselves.
    const numbers: unknown[] = [];
    JSON.stringify(tasks, (_key, value) => {
      if (typeof value === 'number') numbers.push(value);
      return value;
    });
    expect(numbers.every(Number.isFinite)).toBe(true);
  });
});
