// Learning-rate schedules: factors by hand, texts, and the rates that a training's steps have.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { planRuns } from '../../src/collect/plan.js';
import { completeOptimizer, makeOptimizer, OPTIMIZERS, setLearningRate } from '../../src/tasks/optimizer.js';
import { ScheduleCallback } from '../../src/tasks/scheduleCallback.js';
import { parseSchedule } from '../../src/tasks/schedules/index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const BUDGET = { steps: 20, stepsPerEpoch: 5 };
const factors = (text: string, steps: readonly number[]) =>
  steps.map((step) => parseSchedule(text).factor(step, BUDGET));

function expectClose(actual: readonly number[], expected: readonly number[]): void {
  for (const [i, value] of expected.entries()) expect(actual[i]).toBeCloseTo(value, 12);
}

describe('parseSchedule', () => {
  it('stays at the rate when constant', () => {
    expect(factors('constant', [0, 19])).toEqual([1, 1]);
  });

  it('falls along half a cosine to zero one step after the last', () => {
    expectClose(factors('cosine', [0, 5, 10, 15, 20]), [1, 0.5 + Math.SQRT1_2 / 2, 0.5, 0.5 - Math.SQRT1_2 / 2, 0]);
    expect(factors('cosine', [19])[0]).toBeGreaterThan(0);
  });

  it('rises in equal parts over a share of the budget or a number of steps', () => {
    for (const text of ['warmup:0.2', 'warmup:4'])
      expectClose(factors(text, [0, 1, 2, 3, 4, 19]), [0.25, 0.5, 0.75, 1, 1, 1]);
    expectClose(factors('warmup-cosine:0.2', [0, 3, 4, 12, 20]), [0.25, 1, 1, 0.5, 0]);
    // A share of less than half a step is none.
    expect(factors('warmup:0.01', [0])).toEqual([1]);
  });

  it('falls by a factor at shares of the budget, or at epochs', () => {
    for (const text of ['step:0.1@0.5/0.75', 'step:0.1@2/3', 'step'])
      expectClose(factors(text, [0, 9, 10, 14, 15, 19]), [1, 1, 0.1, 0.1, 0.01, 0.01]);
  });

  it('has one spelling, defaults included', () => {
    expect(['step', 'step:1e-1@.5/0.75', 'warmup', 'cosine'].map((text) => parseSchedule(text).text)).toEqual([
      'step:0.1@0.5/0.75',
      'step:0.1@0.5/0.75',
      'warmup:0.05',
      'cosine',
    ]);
  });

  it('says what is wrong', () => {
    expect(() => parseSchedule('cosin')).toThrow(/unknown schedule: cosin; did you mean cosine\?/);
    expect(() => parseSchedule('cosine:3')).toThrow(/the schedule cosine takes nothing more/);
    const impossible = [
      'step:',
      'step:0.1',
      'step:2@0.5',
      'step:0.1@0.75/0.5',
      'step:0.1@1.5',
      'step:@0.5',
      'step:0.1@1@2',
    ];
    for (const text of [...impossible, 'warmup:0', 'warmup:1.5', 'warmup-cosine:x'])
      expect(() => parseSchedule(text)).toThrow(/impossible .* schedule: .*; give /);
  });
});

describe('the schedule of an optimizer', () => {
  it('is a setting that is there only where the rate changes', () => {
    const info = { name: 'sgd', learningRate: 0.1 };
    expect(completeOptimizer({ ...info, schedule: 'constant' })).toEqual(info);
    expect(completeOptimizer({ ...info, schedule: 'step' })).toEqual({ ...info, schedule: 'step:0.1@0.5/0.75' });
    expect(() => completeOptimizer({ ...info, schedule: 'none' })).toThrow(/unknown schedule/);
  });

  it.each(OPTIMIZERS)('sets the rate of each step of %s in place', (name) => {
    // Steps of two optimizers with rates of their own, and of one whose rate is set before each.
    const rates = [0.1, 0.05, 0.2];
    const path = (rate: (step: number) => number) => {
      const optimizer = makeOptimizer({ name, learningRate: 0.1 });
      const w = tf.tidy(() => tf.variable(tf.tensor1d([1, -2])));
      const seen = rates.map((_, step) => {
        setLearningRate(optimizer, rate(step));
        const before = [...w.dataSync()];
        optimizer.minimize(() => tf.sum(tf.mul(w, tf.tensor1d([3, 1]))) as tf.Scalar, false, [w]);
        return before.map((value, i) => value - w.dataSync()[i]);
      });
      tf.dispose(w);
      optimizer.dispose();
      return seen;
    };
    const tensors = tf.memory().numTensors;
    const changing = path((step) => rates[step]);
    const steady = path(() => 0.1);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(changing[0]).toEqual(steady[0]);
    // The gradient is constant, so that an update is linear in the rates; without a memory of past updates, in the last one.
    if (!['momentum', 'rmsprop', 'schedule-free'].includes(name))
      for (const [step, rate] of rates.entries())
        for (const i of [0, 1]) expect(changing[step][i] / steady[step][i]).toBeCloseTo(rate / 0.1, 2);
    else expect(changing[1]).not.toEqual(steady[1]);
  });

  it('counts the steps of a whole fit', async () => {
    const optimizer = tf.train.sgd(1);
    const rates: number[] = [];
    const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [1] })] });
    model.compile({ optimizer, loss: 'meanSquaredError' });
    const info = { name: 'sgd', learningRate: 2, schedule: 'step:0.5@1/2' };
    const look = async () => void rates.push(optimizer.getConfig().learningRate as number);
    await model.fit(tf.ones([4, 1]), tf.zeros([4, 1]), {
      epochs: 3,
      batchSize: 2,
      verbose: 0,
      callbacks: [new ScheduleCallback(optimizer, info, 3, 2), new tfl.CustomCallback({ onBatchEnd: look }, 'never')],
    });
    expect(rates).toEqual([2, 2, 1, 1, 0.5, 0.5]);
  });
});

describe('the schedules of a plan', () => {
  const plan = { tasks: ['mnist/mlp'], runs: 20 };

  it('are drawn, each run with one, and leave other draws and the ids of plans without them alone', () => {
    const without = planRuns(plan);
    expect(planRuns({ ...plan, schedules: ['constant'] })).toEqual(without);
    const runs = planRuns({ ...plan, schedules: ['constant', 'cosine', 'step'] });
    const drawn = runs.map(({ optimizer }) => optimizer.schedule);
    expect(new Set(drawn)).toEqual(new Set([undefined, 'cosine', 'step:0.1@0.5/0.75']));
    for (const [i, { optimizer }] of runs.entries())
      expect(optimizer.learningRate).toBe(without[i].optimizer.learningRate);
    const own = planRuns({ ...plan, schedules: ['cosine'], optimizers: [{ name: 'sgd', schedule: 'warmup' }] });
    expect(new Set(own.map(({ optimizer }) => optimizer.schedule))).toEqual(new Set(['warmup:0.05']));
    expect(() => planRuns({ ...plan, schedules: ['cosine', 'x'] })).toThrow(/unknown schedule: x/);
  });
});
