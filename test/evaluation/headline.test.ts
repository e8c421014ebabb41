import { describe, expect, it } from 'vitest';
import { headline } from '../../src/evaluation/headline.js';
import {
  syntheticNowcast,
  syntheticPlan,
  syntheticRecord,
  syntheticRecords,
  syntheticResults,
} from '../evaluate/syntheticRuns.js';

const curve = (perEpoch: number, top = 1) => Array.from({ length: 20 }, (_, i) => Math.min(top, perEpoch * (i + 1)));

/** Results of two tasks: linear is as fast as plain, and ours twice as fast on the tasks that it reaches. */
function resultsOf(
  seeds: number[],
  tasks: string[],
  reached: string[],
  tuning = true,
  nowcasts = [syntheticNowcast(5)],
) {
  const plan = syntheticPlan(seeds, 20, tasks);
  const records = syntheticRecords(plan, (job) => {
    const fast = reached.includes(job.task) ? curve(0.08, 0.8) : curve(0.08, 0.5);
    const record = syntheticRecord(job, job.method.name === 'ours' ? fast : curve(0.04, 0.8), 3, { nowcasts });
    record.metrics.val_perplexity = (record.metrics.val_acc as number[]).map((value) => 10 / value);
    return record;
  });
  return syntheticResults(plan, records, { tuning: tuning ? [] : undefined });
}

describe('headline', () => {
  it('is a sentence to quote, for epochs and for seconds', () => {
    const tasks = ['mnist/lenet', 'mnist/mlp'];
    const results = resultsOf([1, 2], tasks, tasks);
    expect(headline(results, 'ours')).toBe(
      'ours reaches the tuned baseline’s accuracy in 0.50 of its epochs, 95% interval 0.50 to 0.50, on all 2 tasks.',
    );
    expect(headline(results, 'linear', 'seconds')).toMatch(/^linear reaches .* in 1\.00 of its seconds, 95% interval/);
    expect(headline(results, 'plain')).toBeNull();
  });

  it('says of a nowcaster that never nowcast that it is plain training, whatever its times are', () => {
    const skipped = syntheticNowcast(5, { outcome: 'skipped', reason: 'not finite' });
    for (const nowcasts of [[], [skipped]]) {
      const results = resultsOf([1, 2], ['mnist/lenet'], ['mnist/lenet'], true, nowcasts);
      expect(headline(results, 'ours')).toBe('ours made no nowcast, so that it is plain training here.');
    }
  });

  it('counts the tasks, names the metrics, and says when nothing was tuned', () => {
    const results = resultsOf([1, 2], ['mnist/lenet', 'text/chargru'], ['mnist/lenet'], false);
    expect(headline(results, 'ours')).toBe(
      'ours reaches the untuned baseline’s accuracy or perplexity in 0.50 of its epochs, 95% interval 0.50 to 0.50, on 1 of 2 tasks; the median of all 2 is infinite.',
    );
    const three = ['mnist/lenet', 'mnist/mlp', 'mnist/vgg'];
    expect(headline(resultsOf([1, 2], three, three.slice(0, 2)), 'ours')).toMatch(
      /on 2 of 3 tasks; the median of all 3 is 0\.50\.$/,
    );
    expect(headline(resultsOf([1, 2], ['mnist/lenet'], []), 'ours')).toBe(
      'ours does not reach the tuned baseline’s accuracy on mnist/lenet.',
    );
    expect(headline(resultsOf([1, 2], ['mnist/lenet', 'mnist/mlp'], []), 'ours')).toMatch(/on any of 2 tasks\.$/);
    expect(headline(resultsOf([1], ['mnist/lenet'], ['mnist/lenet']), 'ours')).toMatch(
      /in 0\.50 of its epochs, without an interval, on mnist\/lenet\.$/,
    );
  });
});
