// Tuning: what is tried, and what is chosen of known trials.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { evaluate, evaluateShard } from '../../dist/evaluate/index.js';
import { completeMethods, parseMethod } from '../../src/evaluate/methods/registry.js';
import type { EvaluateOptions } from '../../src/evaluate/options.js';
import { jobsOf } from '../../src/evaluate/plan.js';
import { taskSpecs } from '../../src/evaluate/taskSpecs.js';
import { chooseTrials } from '../../src/evaluate/tuning/choose.js';
import { learningRates, tuningSeeds } from '../../src/evaluate/tuning/grid.js';
import { planTrials } from '../../src/evaluate/tuning/trials.js';
import type { EvaluationJob, RunRecord } from '../../src/evaluation/schema.js';
import { syntheticRecord } from './syntheticRuns.js';

const SHARED = { engine: 'wasm', alone: true } as const;
const { tasks: SPECS } = taskSpecs({ out: '', seeds: [1], methods: [], tasks: ['mnist/lenet'], epochs: 10 });

/** Trials of methods, with the curve of each: plain rises to a value by its rate. */
function tune(
  words: string[],
  trials: number,
  seeds: number[],
  make: (job: EvaluationJob) => Partial<RunRecord> | number[],
) {
  const methods = completeMethods(words.map(parseMethod));
  const planned = planTrials(SPECS[0], methods, { trials, seeds, stepScale: false }, SHARED);
  const records = jobsOf([planned]).map((job) => {
    const made = make(job);
    return Array.isArray(made) ? syntheticRecord(job, made) : syntheticRecord(job, [0.9, null], 1, made);
  });
  return { planned, choose: () => chooseTrials(planned, new Map(records.map((record) => [record.id, record]))) };
}

const risingTo = (top: number, epochs = 10) =>
  Array.from({ length: 10 }, (_, i) => (i + 1 >= epochs ? top : (top * (i + 1)) / epochs));
const rateOf = ({ optimizer }: EvaluationJob) => optimizer.learningRate as number;

describe('what is tried', () => {
  it('is a logarithmic grid of rates around the center, denser beyond five', () => {
    expect(learningRates(0.001, 1)).toEqual([0.001]);
    expect(learningRates(0.001, 2)).toEqual([0.001, 0.00316]);
    expect(learningRates(0.001, 3)).toEqual([0.000316, 0.001, 0.00316]);
    expect(learningRates(0.01, 5)).toEqual([0.001, 0.00316, 0.01, 0.0316, 0.1]);
    const nine = learningRates(0.001, 9);
    expect([nine[0], nine[4], nine[8]]).toEqual([0.0001, 0.001, 0.01]);
    for (let i = 1; i < 9; i++) expect(nine[i] / nine[i - 1]).toBeCloseTo(10 ** 0.25, 1);
  });

  it('is on seeds that are not reported', () => {
    expect(tuningSeeds(2, [1, 2, 3])).toEqual([1000001, 1000002]);
    expect(tuningSeeds(2, [1000001, 3])).toEqual([1000002, 1000003]);
  });

  it('is as much for every method, beside each other, and one setting where the rate was given', () => {
    const { planned } = tune(['linear', 'plain?name=slow&learningRate=0.0001'], 3, [11, 12], () => risingTo(0.5));
    const tried = planned.methods.map(({ method, jobs }) => [
      method.name,
      rateOf(jobs[0]),
      jobs.map(({ seed }) => seed),
    ]);
    const seeds = [11, 12];
    expect(tried).toEqual([
      ...[0.000316, 0.001, 0.00316].map((rate) => ['plain', rate, seeds]),
      ...[0.000316, 0.001, 0.00316].map((rate) => ['linear', rate, seeds]),
      ['slow', 0.0001, seeds],
    ]);
    expect(jobsOf([planned]).every(({ alone }) => !alone)).toBe(true);
    expect(new Set(jobsOf([planned]).map(({ id }) => id)).size).toBe(14);
    expect(() => tune([], 0, [11], () => [])).toThrow(/not a number of trials: tune 0/);
  });

  it('is around the usual rate of an optimizer of the method’s own', () => {
    const { planned } = tune(['momentum', 'schedule-free', 'ema', 'cosine'], 1, [11], () => risingTo(0.5));
    expect(
      planned.methods.map(({ method, optimizer }) => [method.name, optimizer.name, optimizer.learningRate]),
    ).toEqual([
      ['plain', 'adam', 0.001],
      ['momentum', 'momentum', 0.1],
      ['schedule-free', 'schedule-free', 0.0025],
      ['ema', 'adam', 0.001],
      ['cosine', 'adam', 0.001],
    ]);
    expect(planned.methods[4].optimizer.schedule).toBe('cosine');
  });

  it('is half the step scale of a nowcaster too, if asked, in as many trials', () => {
    const methods = completeMethods(['linear', 'nowcaster:zoo'].map(parseMethod));
    const tried = (trials: number) =>
      planTrials(SPECS[0], methods, { trials, seeds: [11], stepScale: true }, SHARED).methods.map(
        ({ method, optimizer, stepScale }) => [method.name, optimizer.learningRate, stepScale, method.stepScale],
      );
    // The shipped nowcaster recommends a step scale of 0.8.
    expect(tried(3).slice(6)).toEqual([
      ['zoo', 0.001, 1, undefined],
      ['zoo', 0.00316, 1, undefined],
      ['zoo', 0.001, 0.5, 0.4],
    ]);
    expect(
      tried(3)
        .slice(0, 6)
        .every(([, , scale]) => scale === null),
    ).toBe(true);
    expect(tried(1)).toHaveLength(3);
  });
});

describe('what is chosen', () => {
  it('is plain’s best, and of every other method what gets to it first', () => {
    const { choose } = tune(['linear', 'quadratic'], 3, [11], (job) => {
      const rate = rateOf(job);
      if (job.method.name === 'plain') return risingTo(rate === 0.001 ? 0.8 : 0.7);
      // The highest rate is first at 0.8, though another one ends higher.
      if (job.method.name === 'linear')
        return rate === 0.00316 ? risingTo(0.81, 4) : rate === 0.001 ? risingTo(0.9, 8) : risingTo(0.89, 9);
      return risingTo(rate === 0.000316 ? 0.79 : 0.6);
    });
    const { methods, tuning } = choose();
    expect(methods.map(({ method, optimizer }) => [method.name, optimizer.learningRate])).toEqual([
      ['plain', 0.001],
      ['linear', 0.00316],
      ['quadratic', 0.000316],
    ]);
    expect(tuning.map(({ edge }) => edge)).toEqual([null, 'highest', 'lowest']);
    expect(tuning[1].trials.map(({ medianEpochs, best, chosen }) => [medianEpochs, best, chosen])).toEqual([
      [9, 0.89, false],
      [8, 0.9, false],
      [4, 0.81, true],
    ]);
    expect(tuning[2].trials.map(({ epochs }) => epochs)).toEqual([['never'], ['never'], ['never']]);
  });

  it('is never a trial that diverged with any seed, however good it was before', () => {
    const { choose } = tune(['linear'], 3, [11, 12], (job) => {
      if (rateOf(job) === 0.00316 && job.seed === 12) return { status: 'diverged' };
      return risingTo(rateOf(job) === 0.00316 ? 0.9 : 0.5 + rateOf(job));
    });
    const { methods, tuning } = choose();
    expect(methods.map(({ optimizer }) => optimizer.learningRate)).toEqual([0.001, 0.001]);
    expect(tuning[0].trials.map(({ diverged, chosen }) => [diverged, chosen])).toEqual([
      [false, false],
      [false, true],
      [true, false],
    ]);
  });

  it('is the better median over several seeds', () => {
    const { choose } = tune([], 2, [11, 12, 13], (job) =>
      risingTo(rateOf(job) === 0.001 ? [0.9, 0.5, 0.5][job.seed - 11] : [0.6, 0.6, 0.4][job.seed - 11]),
    );
    expect(choose().tuning[0].trials.map(({ best, chosen }) => [best, chosen])).toEqual([
      [0.5, false],
      [0.6, true],
    ]);
  });

  it('is an error where nothing trains at all', () => {
    const { choose } = tune(['linear'], 2, [11], (job) =>
      job.method.name === 'linear' ? { status: 'diverged' } : risingTo(0.5),
    );
    expect(choose).toThrow(/no learning rate of 0\.001, 0\.00316 trains linear without divergence: mnist\/lenet/);
  });
});

describe('a tuned evaluation', () => {
  const out = mkdtempSync(join(tmpdir(), 'wnn-tuning-'));
  afterAll(() => rmSync(out, { recursive: true }));
  const options: EvaluateOptions = {
    out,
    tasks: ['mnist/mlp'],
    seeds: [1, 2],
    methods: [parseMethod('linear')],
    tune: { trials: 3 },
    epochs: 2,
    batchSize: 25,
    optimizer: { name: 'sgd', learningRate: 0.01 },
    trainExamples: 50,
    validationExamples: 40,
    engine: 'wasm',
    alone: true,
  };
  const count = () => readdirSync(join(out, 'runs')).filter((name) => name.endsWith('.json')).length;

  it('goes on where it was, in shards too, and trains every method at its own best rate', async () => {
    const first = await evaluateShard(options, { index: 1, count: 2 });
    expect(first).toMatchObject({ phase: 'tuning', runs: 6, missing: 3, trained: 3, kept: 0, failed: [] });
    const abort = new AbortController();
    const stopped = evaluate({
      ...options,
      signal: abort.signal,
      onProgress: ({ task }) => {
        expect(task).toBe('tune');
        if (count() > 3) abort.abort();
      },
    });
    await expect(stopped).rejects.toThrow(/abort/i);
    const before = count();
    expect(before).toBeGreaterThan(3);
    const tasks = new Set<string>();
    const result = await evaluate({ ...options, onProgress: ({ task }) => tasks.add(task) });
    expect(result.trained + result.kept).toBe(10);
    expect(result.kept).toBe(before);
    expect(count()).toBe(10);

    const [{ tuning, methods }] = result.tasks;
    expect(tuning!.map(({ name, trials }) => [name, trials.map(({ learningRate }) => learningRate)])).toEqual([
      ['plain', [0.00316, 0.01, 0.0316]],
      ['linear', [0.00316, 0.01, 0.0316]],
    ]);
    for (const [m, { trials }] of tuning!.entries()) {
      const [chosen] = trials.filter((trial) => trial.chosen);
      expect(methods[m].optimizer.learningRate).toBe(chosen.learningRate);
    }
    const best = Math.max(...tuning![0].trials.map((trial) => trial.best!));
    expect(tuning![0].trials.find(({ chosen }) => chosen)!.best).toBe(best);
    expect(result.settings).toMatchObject({ tuning: { trials: 3, seeds: [1000001], stepScale: false }, alone: true });
    const read = (id: string): RunRecord => JSON.parse(readFileSync(join(out, 'runs', `${id}.json`), 'utf8'));
    expect(result.trials.map(read).every(({ seed, alone }) => seed === 1000001 && !alone)).toBe(true);
    expect(
      result.runs
        .map(read)
        .map(({ seed, alone, method, optimizer }) => [seed, alone, method.name, optimizer.learningRate]),
    ).toEqual(
      [1, 2].flatMap((seed) => methods.map(({ name, optimizer }) => [seed, true, name, optimizer.learningRate])),
    );
    expect((await evaluate(options)).trained).toBe(0);
  });

  it('refuses seconds that could not be compared', async () => {
    await expect(evaluate({ ...options, workers: 2 })).rejects.toThrow(/one training runs at a time: 2 workers/);
  });
});
