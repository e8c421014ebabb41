// What people read of an evaluation, from synthetic runs.

import { describe, expect, it } from 'vitest';
import type { Nowcast } from '../../src/callback/index.js';
import { type SummaryOptions, summarizeTask } from '../../src/evaluate/summary.js';
import type { EvaluationJob, RunRecord } from '../../src/evaluation/schema.js';
import { statements } from '../../src/evaluation/statements.js';
import { scoreTable, secondaryTable, targetTable } from '../../src/evaluation/table.js';
import { syntheticNowcast, syntheticPlan, syntheticRecord, syntheticRecords } from '../evaluate/syntheticRuns.js';

const nowcast = (
  epoch: number,
  outcome: Nowcast['outcome'] = 'kept',
  probation: Nowcast['probation'] = null,
): Nowcast => syntheticNowcast(epoch, { outcome, probation, reason: outcome === 'skipped' ? 'not finite' : null });

const judged = (verdict: 'late' | 'reverted') => {
  const figures = { expected: 0.5, allowed: 0.6, loss: 0.7, gain: -1, cost: verdict === 'late' ? 0.5 : 2, bytes: 12 };
  return { verdict, snapshots: 2, ...figures };
};

/** The tables and the statements of runs of 10 epochs; null: no such run. */
function readOut(seeds: number[], make: (job: EvaluationJob) => RunRecord | null, options: SummaryOptions = {}) {
  const [planned] = syntheticPlan(seeds, 10);
  const { summary } = summarizeTask(planned, syntheticRecords([planned], make), { newBestsAfter: 4, ...options });
  return {
    scores: scoreTable(summary).rows,
    further: targetTable(summary),
    rows: secondaryTable(summary).rows,
    lines: statements(summary),
  };
}

const RISING = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9];
const SLOWER = RISING.map((value) => value * 0.8);
const TWICE = [0.2, 0.4, 0.6, 0.8, 0.9, 0.92, 0.93, 0.94, 0.95, 0.95];
const nowcasts = [nowcast(4), nowcast(9)];

describe('the table with its statements', () => {
  it('has nothing to add where all went well but what the target is', () => {
    const { scores, rows, lines } = readOut([1, 2], (job) =>
      syntheticRecord(job, RISING, 2, job.method.type === 'plain' ? {} : { nowcasts }),
    );
    expect(lines).toEqual(['Target: accuracy 0.9000, the median of plain’s best over 2 seeds.']);
    const best = '0.9000 ± 0.0000';
    expect(scores[1]).toEqual(['linear', '0.001', '10', '1.00', '1.00 to 1.00', '20', '1.00', '2 of 2', best, best]);
    expect(rows[1].slice(0, 4)).toEqual(['linear', '10.0 ± 0.0', '20.0 ± 0.0', '×1.00 ± 0.00']);
  });

  it('shows times to targets with their ratio to plain, and what is never reached', () => {
    const { scores, further } = readOut(
      [1, 2],
      (job) => {
        if (job.method.type === 'plain') return syntheticRecord(job, RISING);
        return syntheticRecord(job, job.method.name === 'ours' ? TWICE : SLOWER, 1.5, { nowcasts });
      },
      { targets: [0.4, 0.92] },
    );
    expect(scores[2].slice(2, 8)).toEqual(['5', '0.50', '0.50 to 0.50', '7.5', '0.75', '2 of 2']);
    expect(scores[1].slice(2, 8)).toEqual(['never', 'infinite', 'infinite to infinite', 'never', 'infinite', '0 of 2']);
    expect(further.header.slice(1)).toEqual([
      'accuracy within 2% 0.8820',
      'training loss 0.1000',
      'training loss within 2% 0.1020',
      'accuracy 0.4000',
      'accuracy 0.9200',
    ]);
    expect(further.rows[0].slice(1)).toEqual(['1.00', '1.00', '1.00', '4 epochs, 1.00', 'never (0 of 2)']);
    expect(further.rows[1].slice(4)).toEqual(['5 epochs, 1.25', 'never (0 of 2)']);
    expect(further.rows[2].slice(1)).toEqual(['0.50', '0.50', '0.50', '2 epochs, 0.50', '6 epochs, plain never']);
  });

  it('says of which target plain itself falls short, and warns of a training that collapses', () => {
    const { scores, lines } = readOut([1, 2, 3], (job) => {
      if (job.method.type === 'plain')
        return syntheticRecord(
          job,
          RISING.map((value) => value - job.seed / 100),
        );
      const values = RISING.map((value, i) => (i === 9 && job.seed > 1 ? 0.19 : value * 0.9));
      return syntheticRecord(job, job.method.name === 'ours' ? values : RISING, 1, { nowcasts });
    });
    expect(lines).toContain('Plain itself misses accuracy 0.8800 with seed 3 of 3.');
    expect(lines).toContain(
      'ours: WARNING: ends far from its best with seeds 2, 3: accuracy 0.1900 after 0.7650, 0.1900 after 0.7650.',
    );
    expect(scores[2].slice(-2)).toEqual(['0.7800 ± 0.0260', '0.3967 ± 0.3580']);
  });

  it('says what was not reached, and how new bests that were not reached count', () => {
    const { rows, lines } = readOut([1, 2], (job) => {
      if (job.method.type === 'plain') return syntheticRecord(job, RISING);
      return syntheticRecord(job, job.method.name === 'ours' || job.seed === 1 ? SLOWER : RISING, 1, { nowcasts });
    });
    expect(rows[1][1]).toBe('10.0 (1 of 2 seeds)');
    expect(rows[2].slice(1, 5)).toEqual(['not reached', '-', '-', '-']);
    // Plain's bests after epoch 4 go from 0.5 to 0.9; SLOWER ends at 0.72.
    expect(lines.slice(1)).toEqual([
      'linear: plain’s best of the same seed not reached with 1 of 2 seeds; 3 of plain’s 12 new bests not reached, counted as an epoch after the end.',
      'ours: plain’s best of the same seed not reached with 2 of 2 seeds; 6 of plain’s 12 new bests not reached, counted as an epoch after the end.',
    ]);
  });

  it('compares with no plain training that diverged, and with none at all where all did', () => {
    const diverging = (seeds: number[]) => (job: EvaluationJob) => {
      if (job.method.type !== 'plain') return syntheticRecord(job, RISING, 1, { nowcasts });
      return seeds.includes(job.seed)
        ? syntheticRecord(job, [0.05, null], 1, { status: 'diverged' })
        : syntheticRecord(job, RISING);
    };
    const one = readOut([1, 2], diverging([2]));
    expect(one.lines[0]).toBe('Plain training sets no target, so that no method has a score.');
    expect(one.lines[1]).toBe('plain: training diverged with seed 2, where there is nothing to compare with.');
    expect(one.rows[2].slice(1, 4)).toEqual(['10.0', '10.0', '×1.00']);
    const third = readOut([1, 2, 3], diverging([2]));
    expect(third.lines).toContain('Plain itself misses accuracy 0.9000 with seed 2 of 3.');
    expect(third.scores[1].slice(2, 4)).toEqual(['10', '1.00']);
    const all = readOut([1, 2], diverging([1, 2]));
    expect(all.lines).toEqual([
      'Plain training sets no target, so that no method has a score.',
      'plain: training diverged with seeds 1, 2, where there is nothing to compare with.',
    ]);
    for (const row of all.rows) expect(row.slice(1, 6)).toEqual(['-', '-', '-', '-', '-']);
    expect(all.scores[2].slice(2, 8)).toEqual(['-', '-', '-', '-', '-', '-']);
  });

  it('tells missing runs from diverged ones, and of nowcasts that never were, did not help, were reverted or skipped', () => {
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
    expect(lines.slice(1)).toEqual([
      'linear: no finished run with seed 3.',
      'linear: no nowcast before the last epoch, so that it is plain training here.',
      'ours: training diverged with seed 4.',
      'ours: 6 of plain’s 12 new bests not reached, counted as an epoch after the end.',
      'ours: the watch rolled back 1 of 3 nowcasts, discarding 2 snapshots.',
      'ours: 1 of 3 nowcasts did not help, but were kept.',
      'ours: 1 nowcast skipped (not finite).',
    ]);
    const { lines: none } = readOut([3], (job) =>
      syntheticRecord(job, RISING, 1, { nowcasts: [nowcast(4, 'skipped'), nowcast(7, 'skipped')] }),
    );
    expect(none).toContain('ours: 2 nowcasts, all skipped (not finite), so that it is plain training here.');
    const { lines: single } = readOut([3], (job) => (job.method.name === 'ours' ? null : syntheticRecord(job, RISING)));
    expect(single[0]).toMatch(/over 1 seed\.$/);
    expect(single[1]).toMatch(/^One seed only/);
    expect(single).toContain('ours: no finished runs.');
  });

  it('says where the chosen rate is the last that was tried, and what diverged in tuning', () => {
    const trial = (learningRate: number, diverged: boolean, chosen: boolean) => {
      const best = diverged ? null : 0.9;
      return {
        learningRate,
        stepScale: null,
        runs: [],
        bests: [best],
        epochs: [10],
        best,
        medianEpochs: 10,
        diverged,
        chosen,
      };
    };
    const tuning = [
      { name: 'plain', trials: [trial(0.01, false, true), trial(0.1, true, false)], edge: 'lowest' as const },
      { name: 'ours', trials: [trial(0.01, false, true), trial(0.1, true, false)], edge: 'lowest' as const },
      { name: 'slow', trials: [trial(0.01, false, false), trial(0.1, false, true)], edge: 'highest' as const },
    ];
    const { lines } = readOut([1, 2], (job) => syntheticRecord(job, RISING, 1, { nowcasts }), { tuning });
    expect(lines.slice(-4)).toEqual([
      'Best at a learning rate of 0.01, the lowest tried, so that a better one may lie beyond: plain, ours.',
      'Best at a learning rate of 0.1, the highest tried, so that a better one may lie beyond: slow.',
      'plain: diverged in tuning at 0.1.',
      'ours: diverged in tuning at 0.1.',
    ]);
  });
});
