// The baselines as methods: which optimizer their runs have, what they validate, and Lookahead against a float64 loop.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { parseAveraging } from '../../../src/callback/averages/index.js';
import { averageTraining } from '../../../src/evaluate/methods/averaging.js';
import { LookaheadCallback, lookahead } from '../../../src/evaluate/methods/lookahead.js';
import {
  changeSettings,
  completeMethods,
  describeMethods,
  parseMethod,
} from '../../../src/evaluate/methods/registry.js';
import { ImageExamples } from '../../../src/tasks/images.js';
import { findTask } from '../../../src/tasks/task.js';
import type { TaskData } from '../../../src/tasks/taskData.js';
import { type TrainTaskOptions, trainTask } from '../../../src/tasks/trainTask.js';
import { planJobs } from '../planJobs.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const plan = { tasks: ['mnist/mlp'], seeds: [1], epochs: 20, batchSize: 20, engine: 'wasm' as const };
const base = { name: 'adam', learningRate: 0.001, beta1: 0.8 };
const jobsOf = (texts: string[], optimizer = base) =>
  planJobs({ ...plan, optimizer, methods: texts.map(parseMethod) }).slice(1);

describe('the optimizer of a baseline', () => {
  it('comes from the evaluation’s and the settings', () => {
    const optimizers = jobsOf([
      'cosine',
      'cosine?warmUp=0.1&learningRate=0.01',
      'adamw?weightDecay=0.1',
      'momentum',
      'momentum?schedule=step&nesterov=true&learningRate=0.1',
      'schedule-free',
      'linear?schedule=cosine',
      'ema',
      'lookahead',
    ]).map(({ optimizer }) => optimizer);
    const adam = { name: 'adam', learningRate: 0.001, beta1: 0.8, beta2: 0.999, epsilon: 1e-7 };
    const momentum = { name: 'momentum', momentum: 0.9 };
    expect(optimizers).toEqual([
      { ...adam, schedule: 'cosine' },
      { ...adam, learningRate: 0.01, schedule: 'warmup-cosine:0.1' },
      { ...adam, name: 'adamw', beta1: 0.9, weightDecay: 0.1 },
      { ...momentum, learningRate: 0.001, nesterov: false, schedule: 'cosine' },
      { ...momentum, learningRate: 0.1, nesterov: true, schedule: 'step:0.1@0.5/0.75' },
      expect.objectContaining({ name: 'schedule-free', learningRate: 0.001, beta1: 0.9, schedule: 'warmup:0.05' }),
      { ...adam, schedule: 'cosine' },
      adam,
      adam,
    ]);
  });

  it('keeps the evaluation’s schedule where the method has none', () => {
    const [adamw, cosine, own] = jobsOf(['adamw', 'cosine', 'linear?schedule=constant'], {
      ...base,
      schedule: 'step',
    } as typeof base).map(({ optimizer }) => optimizer.schedule);
    expect([adamw, cosine, own]).toEqual(['step:0.1@0.5/0.75', 'cosine', undefined]);
  });
});

describe('validating an average', () => {
  it('is a setting of methods that validate none of their own', () => {
    expect(parseMethod('linear?validate=ema=0.9')).toMatchObject({
      type: 'linear',
      name: 'linear+ema0.9',
      validate: 'ema:0.9',
    });
    expect(() => parseMethod('linear?validate=ema:2')).toThrow(
      /impossible validate: .*; give ema:DECAY, lawa:K or swa/,
    );
    for (const type of ['ema', 'lookahead', 'schedule-free'])
      expect(() => parseMethod(`${type}?validate=ema`)).toThrow(/unknown setting/);
  });

  it('is put into all methods without one, plain included, under the names that they have', () => {
    const texts = ['linear', 'linear?validate=lawa:3', 'swa', 'plain?name=nothing'];
    const methods = completeMethods(texts.map(parseMethod), 'ema=0.95');
    expect(methods.map(({ name, validate }) => [name, validate])).toEqual([
      ['plain', 'ema:0.95'],
      ['linear', 'ema:0.95'],
      ['linear+lawa3', 'lawa:3'],
      ['swa', undefined],
      ['nothing', 'ema:0.95'],
    ]);
    expect(completeMethods(methods)).toEqual(methods);
    expect(() => completeMethods([], 'ema=1')).toThrow(/impossible decay/);
  });

  it('stands in the report, whose command makes the same methods', async () => {
    const methods = completeMethods(['linear', 'swa?start=0.5'].map(parseMethod), 'ema=0.95');
    const about = (await describeMethods(methods)).map((method) => method.about);
    expect(about[0].sentence).toBe('training as it is, validated by ema:0.95');
    expect(about.map(({ command }) => parseMethod(command))).toEqual(methods);
    expect(completeMethods(about.map(({ command }) => parseMethod(command)))).toEqual(methods);
  });

  it('gives the same data, and so the same ids, in whatever order settings are given', () => {
    const both = parseMethod('linear?validate=ema:0.9&learningRate=0.1&name=a');
    const changed = changeSettings(parseMethod('linear?name=a&validate=ema:0.9'), { learningRate: 0.1 });
    expect(JSON.stringify(changeSettings(both, {}))).toBe(JSON.stringify(changed));
    expect(jobsOf(['linear?validate=ema:0.9&learningRate=0.1&name=a'])[0].id).toBe(
      planJobs({ ...plan, optimizer: base, methods: [changed] })[1].id,
    );
    expect(() => changeSettings(both, { learningRate: -1 })).toThrow(/impossible learningRate/);
  });
});

/** 8x8 images whose class is the half that is bright. */
function makeHalves(count: number): ImageExamples {
  const labels = Uint8Array.from({ length: count }, (_, i) => i % 2);
  const pixels = Uint8Array.from({ length: count * 64 }, (_, p) => {
    const bright = ((p % 64) / 8) % 8 < 4 === (labels[Math.floor(p / 64)] === 0);
    return (bright ? 180 : 20) + ((p * 31) % 50);
  });
  return new ImageExamples([8, 8, 1], pixels, labels);
}
const data: TaskData = {
  name: 'halves',
  inputShape: [8, 8, 1],
  classes: 2,
  train: makeHalves(22),
  validation: makeHalves(6),
};
const training: TrainTaskOptions = {
  task: findTask('mnist/mlp'),
  data,
  seed: 5,
  epochs: 3,
  batchSize: 8,
  options: { width: 0.125 },
  optimizer: { name: 'sgd', learningRate: 0.1 },
};

const read = (model: tfl.LayersModel) => model.getWeights().map((weight) => [...weight.dataSync()]);

/** The weights after each batch, and those that the validation of each epoch sees. */
class WeightLog extends tfl.Callback {
  readonly steps: number[][][] = [];
  readonly validated: number[][][] = [];
  initial: number[][] = [];
  override async onTrainBegin(): Promise<void> {
    this.initial = read(this.model);
  }
  override async onBatchEnd(): Promise<void> {
    this.steps.push(read(this.model));
  }
  /** Validation data that look at the weights whenever a batch is taken. */
  watch(): TaskData {
    const takeBatch = (indices: Uint32Array) => {
      this.validated.push(read(this.model));
      return data.validation.takeBatch(indices);
    };
    return { ...data, validation: Object.create(data.validation, { takeBatch: { value: takeBatch } }) };
  }
}

function expectClose(actual: number[][], expected: number[][]): void {
  for (const [i, values] of expected.entries())
    for (const [j, value] of values.entries()) expect(Math.abs(actual[i][j] - value)).toBeLessThan(1e-5);
}

describe('lookahead', () => {
  it('synchronizes every k steps as the paper does, in float64, and validates the slow weights', async () => {
    const [k, alpha] = [4, 0.3];
    const random = [3, -1, 2, 0.5, -2, 1, 4, -3, 1, 2];
    const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [2], useBias: false })] });
    const tensors = tf.memory().numTensors;
    const callback = new LookaheadCallback({ k, alpha });
    callback.setModel(model);
    await callback.onTrainBegin();
    let fast = read(model)[0];
    let slow = [...fast];
    // Noisy gradient steps on a quadratic, which the reference takes by itself.
    for (const [step, noise] of random.entries()) {
      fast = fast.map((value, i) => value - 0.2 * (value - i + noise));
      tf.tidy(() => {
        const [w] = model.getWeights();
        model.setWeights([tf.sub(w, tf.mul(tf.add(tf.sub(w, tf.tensor2d([[0], [1]])), noise), 0.2))]);
      });
      await callback.onBatchEnd();
      if ((step + 1) % k === 0) {
        slow = slow.map((value, i) => value + alpha * (fast[i] - value));
        fast = [...slow];
      }
      expectClose([read(model)[0], [...callback.weights()[0].dataSync()]], [fast, slow]);
    }
    callback.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
  });

  it('validates the slow weights in a training, whose initial weights and batches are those of plain', async () => {
    const log = new WeightLog();
    const method = await lookahead.train!({ type: 'lookahead', name: 'lookahead', k: 2, alpha: 1 }, {} as never);
    // alpha 1: training is plain's, and the slow weights are those of every second step.
    await trainTask({
      ...training,
      data: log.watch(),
      callbacks: [method.callback!, log],
      validationWeights: method.validationWeights,
    });
    const plain = new WeightLog();
    await trainTask({ ...training, callbacks: [plain] });
    await method.dispose!();
    for (const [step, weights] of plain.steps.entries()) expectClose(log.steps[step], weights);
    // Three steps an epoch.
    expect(log.validated).toEqual([log.steps[1], log.steps[5], log.steps[7]]);
  });
});

describe('an average', () => {
  it.each([
    ['lawa:2', [[2], [2, 5], [5, 8]]],
    ['swa:0.5', [null, [5], [5, 8]]],
  ])('%s validates the mean that includes the epoch’s own end, before its validation', async (text, steps) => {
    const log = new WeightLog();
    const { callback, validationWeights, dispose } = averageTraining(parseAveraging(text), training.epochs);
    const tensors = tf.memory().numTensors;
    await trainTask({ ...training, data: log.watch(), callbacks: [callback, log], validationWeights });
    await dispose();
    expect(tf.memory().numTensors).toBe(tensors);
    for (const [epoch, of] of steps.entries()) {
      const chosen = (of ?? [3 * epoch + 2]).map((step) => log.steps[step]);
      const mean = chosen[0].map((values, i) =>
        values.map((_, j) => chosen.reduce((sum, weights) => sum + weights[i][j], 0) / chosen.length),
      );
      expectClose(log.validated[epoch], mean);
    }
  });
});

describe('batch-norm networks', () => {
  // Two whole batches an epoch: whatever their order, the mean of their means is that of all examples.
  const train = makeHalves(16);
  const normed: TrainTaskOptions = {
    ...training,
    task: findTask('mnist/resnet-8'),
    epochs: 2,
    options: { width: 0.25 },
  };

  /** Mean of each channel of a 3x3 convolution with padding `same` over all training images, in float64. */
  function channelMeans(kernel: readonly number[], channels: number): number[] {
    const sums = Array.from({ length: channels }, () => 0);
    for (let image = 0; image < train.count; image++)
      for (let p = 0; p < 64; p++)
        for (let tap = 0; tap < 9; tap++) {
          const [row, column] = [Math.floor(p / 8) + Math.floor(tap / 3) - 1, (p % 8) + (tap % 3) - 1];
          if (row < 0 || row > 7 || column < 0 || column > 7) continue;
          const pixel = train.pixels[image * 64 + row * 8 + column] / 255;
          for (let c = 0; c < channels; c++) sums[c] += pixel * kernel[tap * channels + c];
        }
    return sums.map((sum) => sum / (train.count * 64));
  }

  it.each(['ema:0.5', 'schedule-free'])('are validated with statistics of training batches for %s', async (text) => {
    const log = new WeightLog();
    let names: string[] = [];
    log.onTrainEnd = async () => {
      names = log.model.weights.map(({ name }) => name);
    };
    const average = text === 'schedule-free' ? null : averageTraining(parseAveraging(text), 2);
    const optimizer = average === null ? { name: text, learningRate: 0.01 } : training.optimizer;
    const callbacks = [...(average === null ? [] : [average.callback]), log];
    const options = { ...normed, optimizer, data: { ...log.watch(), train }, callbacks };
    const { history } = await trainTask({ ...options, validationWeights: average?.validationWeights });
    await average?.dispose();
    const first = names.findIndex((name) => name.includes('moving_mean'));
    for (const [epoch, weights] of log.validated.entries()) {
      const trained = log.steps[2 * epoch + 1];
      const expected = channelMeans(weights[0], weights[first].length);
      for (const [c, value] of weights[first].entries()) {
        expect(value).toBeCloseTo(expected[c], 4);
        expect(Math.abs(trained[first][c] - value)).toBeGreaterThan(1e-3 * Math.abs(value));
      }
      expect(weights[0]).not.toEqual(trained[0]);
    }
    expect(history.val_loss.every(Number.isFinite)).toBe(true);
  });
});
