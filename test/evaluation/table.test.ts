// What people read of an evaluation, from synthetic runs.

import { describe, expect, it } from 'vitest';
import type { Nowcast } from '../../src/callback/index.js';
import { summarize } from '../../src/evaluate/summary.js';
import type { RunRecord } from '../../src/evaluation/schema.js';
import { statements, tableRows } from '../../src/evaluation/table.js';
import { syntheticJobs, syntheticRecord } from '../evaluate/syntheticRuns.js';

type Job = ReturnType<typeof syntheticJobs>[number];

const nowcast = (
  epoch: number,
  outcome: Nowcast['outcome'] = 'kept',
  probation: Nowcast['probation'] = null,
): Nowcast => ({
  snapshot: epoch,
  epoch,
  outcome,
  reason: null,
  scalars: { conv: 1, fc: 1, bias: 1 },
  seconds: 0.1,
  stepScale: 1,
  probation,
});

const judged = (verdict: 'late' | 'reverted') => {
  const figures = { expected: 0.5, allowed: 0.6, loss: 0.7, gain: -1, cost: verdict === 'late' ? 0.5 : 2, bytes: 12 };
  return { verdict, snapshots: 2, ...figures };
};

/** The table and the statements of runs of 10 epochs; null: no such run. */
function readOut(seeds: number[], make: (job: Job) => RunRecord | null) {
  const jobs = syntheticJobs(seeds, 10);
  const records = new Map(jobs.flatMap((job) => make(job) ?? []).map((record) => [record.id, record]));
  const [summary] = summarize(jobs, records, { newBestsAfter: 4 });
  return { rows: tableRows(summary), lines: statements(summary) };
}

const RISING = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9];
const SLOWER = RISING.map((value) => value * 0.8);
const nowcasts = [nowcast(4), nowcast(9)];

describe('the table with its statements', () => {
  it('has nothing to add where all went well', () => {
    const { rows, lines } = readOut([1, 2], (job) =>
      syntheticRecord(job, RISING, 2, job.method.type === 'plain' ? {} : { nowcasts }),
    );
    expect(lines).toEqual([]);
    expect(rows[1].slice(0, 5)).toEqual(['linear', '0.9000 ± 0.0000', '10.0 ± 0.0', '20.0 ± 0.0', '×1.00 ± 0.00']);
  });

  it('says what was not reached, and how new bests that were not reached count', () => {
    const { rows, lines } = readOut([1, 2], (job) => {
      if (job.method.type === 'plain') return syntheticRecord(job, RISING);
      return syntheticRecord(job, job.method.name === 'ours' || job.seed === 1 ? SLOWER : RISING, 1, { nowcasts });
    });
    expect(rows[1][2]).toBe('10.0 (1 of 2 seeds)');
    expect(rows[2].slice(2, 6)).toEqual(['not reached', '-', '-', '-']);
    // Plain's bests after epoch 4 go from 0.5 to 0.9; SLOWER ends at 0.72.
    expect(lines).toEqual([
      "linear: plain's best not reached with 1 of 2 seeds; 3 of plain's 12 new bests not reached, counted as an epoch after the end.",
      "ours: plain's best not reached with 2 of 2 seeds; 6 of plain's 12 new bests not reached, counted as an epoch after the end.",
    ]);
  });

  it('compares with no plain training that diverged, and with none at all where all did', () => {
    const diverging = (seeds: number[]) => (job: Job) => {
      if (job.method.type !== 'plain') return syntheticRecord(job, RISING, 1, { nowcasts });
      return seeds.includes(job.seed)
        ? syntheticRecord(job, [0.05, null], 1, { status: 'diverged' })
        : syntheticRecord(job, RISING);
    };
    const one = readOut([1, 2], diverging([2]));
    expect(one.lines).toEqual(['plain: training diverged with seed 2, where there is nothing to compare with.']);
    expect(one.rows[2].slice(2, 5)).toEqual(['10.0', '10.0', '×1.00']);
    const all = readOut([1, 2], diverging([1, 2]));
    expect(all.lines).toEqual(['plain: training diverged with seed 1, 2, where there is nothing to compare with.']);
    for (const row of all.rows) expect(row.slice(2, 7)).toEqual(['-', '-', '-', '-', '-']);
  });

  it('tells missing runs from diverged ones, and of nowcasts that never were, did not pay, were reverted or skipped', () => {
    const { lines } = readOut([3, 4], (job) => {
      if (job.method.type === 'plain') return syntheticRecord(job, RISING);
      if (job.method.name === 'linear') return job.seed === 3 ? null : syntheticRecord(job, RISING);
      if (job.seed === 4) return syntheticRecord(job, [null], 1, { status: 'diverged' });
      const own = [
        nowcast(4, 'kept', judged('late')),
        nowcast(5, 'reverted', judged('reverted')),
        nowcast(6, 'skipped'),
        nowcast(7),
      ];
      return syntheticRecord(job, RISING, 1, { nowcasts: own });
    });
    expect(lines).toEqual([
      'linear: no finished run with seed 3.',
      'linear: no nowcast before the last epoch, so that it is plain training here.',
      'ours: training diverged with seed 4.',
      "ours: 6 of plain's 12 new bests not reached, counted as an epoch after the end.",
      'ours: the watch went back from 1 of 3 nowcasts, 2 snapshots in all.',
      'ours: 1 of 3 nowcasts did not pay, though they were kept.',
      'ours: 1 nowcasts skipped.',
    ]);
    const { lines: single } = readOut([3], (job) => (job.method.name === 'ours' ? null : syntheticRecord(job, RISING)));
    expect(single[0]).toMatch(/^One seed only/);
    expect(single).toContain('ours: no finished runs.');
  });
});
