// Averages of a training's weights against float64 loops, on a quadratic with noise; and the callback in fits and loops.

import '@tensorflow/tfjs-backend-cpu';
import { deserialize, serialize } from 'node:v8';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { AveragedWeights } from '../../src/callback/averagedWeights.js';
import { parseAveraging, printAveraging } from '../../src/callback/averages/index.js';
import type { AveragedWeightsOptions } from '../../src/callback/averages/options.js';
import type { Forecaster } from '../../src/callback/forecaster.js';
import { PeriodicForecasting } from '../../src/callback/periodicForecasting.js';
import { TRAINED_KINDS } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});
beforeEach(() => tf.disposeVariables());

const OPTIMUM = [1, -2, 0.5];
const STEPS_PER_EPOCH = 4;
const EPOCHS = 8;

/** Noisy gradient steps towards the optimum: the float32 weights after each step. */
function* descend(w: tf.Variable): Generator<number[]> {
  const random = new Random(7, 'noise');
  for (let step = 0; step < STEPS_PER_EPOCH * EPOCHS; step++) {
    const gradient = [...w.dataSync()].map((value, i) => value - OPTIMUM[i] + 0.5 * random.normal());
    tf.tidy(() => w.assign(tf.sub(w, tf.mul(tf.tensor1d(gradient), 0.2)) as tf.Tensor1D));
    yield [...w.dataSync()];
  }
}

const mean = (rows: readonly number[][]) =>
  rows[0].map((_, i) => rows.reduce((sum, row) => sum + row[i], 0) / rows.length);
const epochEnds = (path: readonly number[][]) => path.filter((_, step) => (step + 1) % STEPS_PER_EPOCH === 0);

/** The averages as their papers write them, from all weights so far. */
const REFERENCES: [AveragedWeightsOptions, (path: number[][]) => number[] | null][] = [
  [
    { average: 'ema', decay: 0.8 },
    (path) => {
      const moment = path.reduce(
        (before, row) => row.map((value, i) => 0.8 * before[i] + 0.2 * value),
        OPTIMUM.map(() => 0),
      );
      return moment.map((value) => value / (1 - 0.8 ** path.length));
    },
  ],
  [{ average: 'lawa', k: 3 }, (path) => (epochEnds(path).length === 0 ? null : mean(epochEnds(path).slice(-3)))],
  [
    { average: 'swa', start: 0.6, epochs: EPOCHS },
    // 0.6 of 8 epochs: from the end of the epoch 4 (from 0) on.
    (path) => (epochEnds(path).length <= 4 ? null : mean(epochEnds(path).slice(4))),
  ],
];

function makeModel(): tfl.Sequential {
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({ units: 4, inputShape: [3], activation: 'tanh', kernelInitializer: 'ones' }),
      tfl.layers.dense({ units: 1, kernelInitializer: tfl.initializers.glorotUniform({ seed: 1 }) }),
    ],
  });
  model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError', metrics: ['mse'] });
  return model;
}

const x = () =>
  tf.tensor2d(
    Array.from({ length: 24 }, (_, i) => Math.sin(i)),
    [8, 3],
  );
const y = () =>
  tf.tensor2d(
    Array.from({ length: 8 }, (_, i) => Math.cos(i)),
    [8, 1],
  );
const train = (model: tfl.LayersModel, epochs: number, callbacks: unknown, initialEpoch = 0) =>
  model.fit(x(), y(), {
    epochs,
    initialEpoch,
    batchSize: 4,
    shuffle: false,
    verbose: 0,
    callbacks: callbacks as never,
  });
const hooks = (functions: tfl.CustomCallbackArgs) => new tfl.CustomCallback(functions, 'never');
const read = (weights: readonly tf.Tensor[]) => weights.map((weight) => [...weight.dataSync()]);

describe.each(REFERENCES)('the average %o', (options, reference) => {
  it('is that of the paper after each step and epoch, in float64, and leaves no tensor behind', () => {
    const w = tf.tidy(() => tf.variable(tf.tensor1d([5, 5, 5])));
    const tensors = tf.memory().numTensors;
    const averaged = new AveragedWeights(options);
    const path: number[][] = [];
    let largest = 0;
    for (const weights of descend(w)) {
      averaged.step({ w });
      path.push(weights);
      if (path.length % STEPS_PER_EPOCH === 0) averaged.endEpoch();
      const [own] = averaged.value() ?? [];
      const expected = reference(path);
      expect(own === undefined).toBe(expected === null);
      for (const [i, value] of (expected ?? []).entries())
        expect(Math.abs(own.dataSync()[i] - value)).toBeLessThan(1e-5);
      largest = Math.max(largest, tf.memory().numTensors - tensors);
    }
    // At most the average and the epoch ends that it is of.
    expect(largest).toBeLessThanOrEqual(4);
    averaged.dispose();
    expect(tf.memory().numTensors).toBe(tensors);
    expect(averaged.value()).toBeNull();
  });

  it('goes on from a state as if it had never stopped', async () => {
    const w = tf.tidy(() => tf.variable(tf.tensor1d([5, 5, 5])));
    const whole = new AveragedWeights(options);
    let own = new AveragedWeights(options);
    let step = 0;
    for (const _ of descend(w)) {
      whole.step({ w });
      own.step({ w });
      if (++step % STEPS_PER_EPOCH === 0) for (const averaged of [whole, own]) averaged.endEpoch();
      if (step === 5 * STEPS_PER_EPOCH) {
        const state = deserialize(serialize(await own.state()));
        own.dispose();
        own = new AveragedWeights(options);
        own.restore(state);
      }
    }
    expect(read(own.value()!)).toEqual(read(whole.value()!));
  });
});

describe('AveragedWeights in fit', () => {
  it('averages without touching the training, and evaluates the average into the logs', async () => {
    const plain = makeModel();
    const path: number[][] = [];
    const epochLosses: number[] = [];
    await train(plain, 3, hooks({ onBatchEnd: async () => void path.push(read(plain.getWeights()).flat()) }));
    const model = makeModel();
    const averaged = new AveragedWeights({ decay: 0.7, validation: { x: x(), y: y() } });
    const history = await train(model, 3, [
      averaged,
      hooks({ onEpochEnd: async () => void epochLosses.push(await averaged.withAverage(() => lossOf(model))) }),
    ]);
    expect(read(model.getWeights())).toEqual(read(plain.getWeights()));
    const moment = path.reduce(
      (before, row) => row.map((value, i) => 0.7 * before[i] + 0.3 * value),
      path[0].map(() => 0),
    );
    for (const [i, value] of read(averaged.value()!).flat().entries())
      expect(value).toBeCloseTo(moment[i] / (1 - 0.7 ** path.length), 5);
    expect(Object.keys(history.history).sort()).toEqual(['averaged_val_loss', 'averaged_val_mse', 'loss', 'mse']);
    expect(history.history.averaged_val_loss).toEqual(epochLosses);
    expect(history.history.averaged_val_mse[2]).toBeCloseTo(epochLosses[2], 6);
    expect(epochLosses[2]).not.toBeCloseTo(lossOf(model), 4);
  });

  it('gives earlyStopping behind it what to monitor', async () => {
    const model = makeModel();
    const averaged = new AveragedWeights({ decay: 0.5, validation: { x: x(), y: y() } });
    // No epoch is better by a thousand.
    const stopping = tfl.callbacks.earlyStopping({ monitor: 'averaged_val_loss', minDelta: 1000, patience: 1 });
    const { epoch } = await train(model, 9, [averaged, stopping]);
    expect(epoch).toEqual([0, 1]);
  });

  it('puts the average in and the trained weights back, bit for bit', async () => {
    const model = makeModel();
    const averaged = new AveragedWeights({ average: 'lawa', k: 2 });
    expect(await averaged.apply()).toBe(false);
    await train(model, 3, averaged);
    const trained = read(model.getWeights());
    const tensors = tf.memory().numTensors;
    expect(await averaged.withAverage(() => read(model.getWeights()))).toEqual(read(averaged.value()!));
    expect(read(model.getWeights())).toEqual(trained);
    await expect(averaged.withAverage(() => Promise.reject(new Error('no')))).rejects.toThrow('no');
    expect(read(model.getWeights())).toEqual(trained);
    expect(tf.memory().numTensors).toBe(tensors);
    expect(await averaged.apply()).toBe(true);
    expect(await averaged.apply()).toBe(true);
    await expect(averaged.onBatchEnd()).rejects.toThrow(/trained on the averages: AveragedWeights; call revert/);
    averaged.revert();
    expect(read(model.getWeights())).toEqual(trained);
  });

  it('leaves the average in the model where told', async () => {
    const model = makeModel();
    const averaged = new AveragedWeights({ leaveInModel: true });
    await train(model, 2, averaged);
    expect(read(model.getWeights())).toEqual(read(averaged.value()!));
    const before = tf.memory().numTensors;
    await train(model, 2, averaged);
    expect(tf.memory().numTensors).toBeLessThanOrEqual(before + 8);
  });

  it('starts afresh with each fit, unless it continues or goes on from a state', async () => {
    const once = makeModel();
    const whole = new AveragedWeights({ average: 'swa', start: 0.5, epochs: 4 });
    await train(once, 4, whole);
    const model = makeModel();
    const afresh = new AveragedWeights({ average: 'lawa' });
    const continued = new AveragedWeights({ average: 'swa', start: 0.5, epochs: 4, continue: true });
    for (let epoch = 0; epoch < 4; epoch++) {
      await train(model, 1, [afresh, continued]);
      expect(read(afresh.value()!)).toEqual(read(model.getWeights()));
    }
    for (const [i, value] of read(continued.value()!).flat().entries())
      expect(value).toBeCloseTo(read(whole.value()!).flat()[i], 6);
    const other = makeModel();
    const first = new AveragedWeights({ average: 'swa', start: 0.5, epochs: 4 });
    await train(other, 3, first);
    const resumed = new AveragedWeights({ average: 'swa', start: 0.5, epochs: 4 });
    resumed.restore(await first.state());
    await train(other, 4, resumed, 3);
    for (const [i, value] of read(resumed.value()!).flat().entries())
      expect(value).toBeCloseTo(read(whole.value()!).flat()[i], 6);
  });

  it('estimates batch-norm statistics for the averages, and puts those of the training back', async () => {
    const norm = tfl.layers.batchNormalization({ inputShape: [3], momentum: 0.9 });
    const model = tfl.sequential({ layers: [norm, tfl.layers.dense({ units: 1 })] });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const inputs = x();
    const averaged = new AveragedWeights({ statistics: () => [inputs, inputs] });
    await train(model, 2, averaged);
    const trained = read(norm.getWeights());
    const rows = inputs.arraySync() as number[][];
    await averaged.withAverage(() => {
      for (const [c, value] of read(norm.getWeights())[2].entries()) expect(value).toBeCloseTo(mean(rows)[c], 5);
    });
    expect(read(norm.getWeights())).toEqual(trained);
  });

  it('follows a nowcast, and stands in the list before or after it', async () => {
    const zero: Forecaster = {
      windowLength: 2,
      kinds: TRAINED_KINDS,
      forecast: async (_, out) => void out.fill(0),
      dispose: async () => {},
    };
    const results: number[][] = [];
    for (const reversed of [false, true]) {
      const model = makeModel();
      model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
      const averaged = new AveragedWeights({ decay: 0.5 });
      const callbacks = [new PeriodicForecasting(zero, { watch: false }), averaged];
      await train(model, 3, reversed ? callbacks.reverse() : callbacks);
      results.push(read(averaged.value()!).flat());
      // Four steps of the first weights, then two of zeros.
      const first = read(makeModel().getWeights()).flat();
      const share = ((1 - 0.5 ** 4) * 0.5 ** 2) / (1 - 0.5 ** 6);
      for (const [i, value] of results[0].entries()) expect(value).toBeCloseTo(share * first[i], 5);
    }
    expect(results[1]).toEqual(results[0]);
  });

  it('says what is wrong', async () => {
    expect(() => new AveragedWeights({ decay: 1 })).toThrow(/impossible decay of ema: 1; give a number above 0/);
    expect(() => new AveragedWeights({ average: 'lawa', k: 0 })).toThrow(/impossible k of lawa/);
    expect(() => new AveragedWeights({ average: 'mean' as 'ema' })).toThrow(/unknown average: mean; known: ema, lawa/);
    expect(() => new AveragedWeights({ epochs: 0 })).toThrow(/not a number of epochs/);
    const averaged = new AveragedWeights();
    expect(() => averaged.restore({} as never)).toThrow(/not a state of ema:0.99/);

    await train(makeModel(), 1, averaged);
    const other = new AveragedWeights();
    const written = JSON.parse(JSON.stringify(await averaged.state()));
    expect(() => other.restore(written)).toThrow(/as JSON makes them.*v8\.serialize/);
    other.restore(await averaged.state());
    expect(() => other.step({ w: tf.variable(tf.scalar(1)) })).toThrow(/the restored averages are of another network/);
    const swa = new AveragedWeights({ average: 'swa' });
    swa.step({ w: tf.variable(tf.scalar(1)) });
    expect(() => swa.endEpoch()).toThrow(/how many epochs/);
  });

  function lossOf(model: tfl.LayersModel): number {
    return (model.evaluate(x(), y()) as tf.Scalar[])[0].dataSync()[0];
  }
});

describe('parseAveraging', () => {
  it('has one spelling', () => {
    const texts = ['ema', 'ema=0.99', 'ema:.9', 'lawa:5', 'swa=0.75'];
    expect(texts.map((text) => printAveraging(parseAveraging(text)))).toEqual([
      'ema:0.99',
      'ema:0.99',
      'ema:0.9',
      'lawa:5',
      'swa:0.75',
    ]);
    for (const text of ['', 'ema:', 'ema:1', 'lawa:2.5', 'swa:1', 'mean:2'])
      expect(() => parseAveraging(text)).toThrow();
  });
});
