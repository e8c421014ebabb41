import { DEFAULT_KINDS } from '../../src/nowcaster/spec.js';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type Forecaster, groupByKind } from '../../src/callback/forecaster.js';
import { PeriodicForecasting } from '../../src/callback/periodicForecasting.js';
import { accessModel } from '../../src/callback/trackedTensors.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Adds 1 to the last value of each window, and remembers what it saw. */
function stepForecaster(windowLength = 5, step = 1) {
  const seen: { kind: string; first: number[] }[] = [];
  const forecaster: Forecaster = {
    windowLength,
    kinds: DEFAULT_KINDS,
    async forecast({ tensors, snapshots }, out) {
      for (const { kind, begin } of groupByKind(tensors))
        seen.push({ kind, first: snapshots.map((values) => values[begin]) });
      for (let i = 0; i < out.length; i++) out[i] = snapshots[windowLength - 1][i] + step;
    },
    async dispose() {},
  };
  return { forecaster, seen };
}

function denseModel(): tfl.Sequential {
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({
        name: 'hidden',
        units: 3,
        inputShape: [2],
        activation: 'tanh',
        kernelInitializer: tfl.initializers.glorotUniform({ seed: 3 }),
      }),
      tfl.layers.dense({ name: 'last', units: 1, kernelInitializer: tfl.initializers.glorotUniform({ seed: 4 }) }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
  return model;
}

const x = () => tf.tensor2d([0.1, 0.4, -0.7, 0.2, 0.9, -0.3, 0.5, 0.5], [4, 2]);
const y = () => tf.tensor2d([0.3, -0.2, 0.8, 0.1], [4, 1]);

/** Sets all weights of a model to the epoch's number, as if training had moved them there. */
function setAll(model: tfl.LayersModel, value: number): void {
  tf.tidy(() => model.setWeights(model.getWeights().map((weight) => tf.fill(weight.shape, value))));
}

async function firstWeight(model: tfl.LayersModel): Promise<number> {
  return (await model.getWeights()[0].data())[0];
}

/** Lets the callback live through a fit in which epoch e ends with all weights at `trainedTo(e)`. */
async function replay(
  callback: PeriodicForecasting,
  model: tfl.LayersModel,
  epochs: Iterable<number>,
  trainedTo = (epoch: number) => epoch,
): Promise<Map<number, number>> {
  const after = new Map<number, number>();
  callback.setModel(model);
  await callback.onTrainBegin();
  for (const epoch of epochs) {
    await callback.onEpochBegin(epoch);
    setAll(model, trainedTo(epoch));
    await callback.onEpochEnd(epoch);
    expect(await firstWeight(model)).toBe(trainedTo(epoch));
    // What is due at an epoch's end happens when training goes on.
    await callback.onEpochBegin(epoch + 1);
    after.set(epoch, await firstWeight(model));
  }
  return after;
}

const range = (begin: number, end: number) => Array.from({ length: end - begin }, (_, i) => begin + i);

describe('PeriodicForecasting', () => {
  it('nowcasts at the end of epochs 4, 9, 14 from the five epochs before', async () => {
    const { forecaster, seen } = stepForecaster();
    const callback = new PeriodicForecasting(forecaster, { watch: false });
    const after = await replay(callback, denseModel(), range(0, 16));
    expect(callback.history.map(({ epoch, outcome }) => [epoch, outcome])).toEqual([
      [4, 'kept'],
      [9, 'kept'],
      [14, 'kept'],
    ]);
    for (const [epoch, value] of after) expect(value).toBe(epoch % 5 === 4 ? epoch + 1 : epoch);
    expect(seen.map(({ first }) => first)).toEqual(
      [0, 5, 10].flatMap((begin) => [range(begin, begin + 5), range(begin, begin + 5)]),
    );
    expect(seen.slice(0, 2).map(({ kind }) => kind)).toEqual(['fc', 'bias']);
    expect(callback.history[0].scalars).toEqual({ conv: 0, fc: 9, bias: 4 });
  });

  it('works in fit, twice, and starts afresh each time', async () => {
    const { forecaster, seen } = stepForecaster();
    const callback = new PeriodicForecasting(forecaster, { watch: false });
    const model = denseModel();
    await model.fit(x(), y(), { epochs: 7, verbose: 0, callbacks: [callback] });
    expect(callback.history.map(({ epoch }) => epoch)).toEqual([4]);
    // Epochs 5 and 6 of the first fit must not complete a window of the second.
    await model.fit(x(), y(), { epochs: 11, initialEpoch: 7, verbose: 0, callbacks: [callback] });
    expect(callback.history).toMatchObject([
      { epoch: 9, outcome: 'skipped', reason: 'only 3 of 5 snapshots recorded' },
    ]);
    await model.fit(x(), y(), { epochs: 6, verbose: 0, callbacks: [callback] });
    expect(callback.history).toMatchObject([{ epoch: 4, outcome: 'kept' }]);
    expect(seen.length).toBe(4);
  });

  it('works in fitDataset', async () => {
    const callback = new PeriodicForecasting(stepForecaster().forecaster, { watch: false });
    const batches = {
      size: 1,
      iterator: async () => {
        let done = false;
        return {
          next: async () => {
            const value = done ? null : { xs: x(), ys: y() };
            const result = { value, done };
            done = true;
            return result;
          },
        };
      },
    };
    // The shape of a tf.data.Dataset, which tfjs-layers recognizes by its iterator.
    await denseModel().fitDataset(batches as never, { epochs: 11, verbose: 0, callbacks: [callback] });
    expect(callback.history.map(({ epoch, outcome }) => `${epoch} ${outcome}`)).toEqual(['4 kept', '9 kept']);
  });

  it('leaves the optimizer’s state alone', async () => {
    const model = denseModel();
    const states: number[][] = [];
    const recordStates = async () => {
      const weights = await model.optimizer.getWeights();
      states.push(weights.flatMap(({ tensor }) => [...tensor.dataSync()]));
    };
    class Before extends tfl.Callback {
      override async onEpochEnd(epoch: number) {
        if (epoch === 4) await recordStates();
      }
    }
    const callback = new PeriodicForecasting(stepForecaster().forecaster, { onNowcast: recordStates });
    await model.fit(x(), y(), { epochs: 6, verbose: 0, callbacks: [new Before(), callback] });
    expect(states.length).toBe(2);
    expect(states[0].length).toBeGreaterThan(20);
    expect(states[1]).toEqual(states[0]);
  });

  it('obeys period, start epoch, kinds and layers', async () => {
    const { forecaster, seen } = stepForecaster(3);
    const callback = new PeriodicForecasting(forecaster, {
      period: 4,
      start: 5,
      kinds: ['fc'],
      layers: ({ name }) => name === 'last',
    });
    const model = denseModel();
    await replay(callback, model, range(0, 13));
    expect(callback.history.map(({ epoch }) => epoch)).toEqual([7, 11]);
    expect(seen).toEqual([
      { kind: 'fc', first: [5, 6, 7] },
      { kind: 'fc', first: [9, 10, 11] },
    ]);
    expect(callback.history[0].scalars).toEqual({ conv: 0, fc: 3, bias: 0 });
  });

  it('goes as far as the step scale says: by the option, else by the forecaster, else to the forecast', async () => {
    const landing = async (own: number | undefined, option: number | undefined) => {
      const forecaster = { ...stepForecaster().forecaster, recommended: own === undefined ? {} : { stepScale: own } };
      const model = denseModel();
      await replay(new PeriodicForecasting(forecaster, { stepScale: option }), model, range(0, 5));
      return firstWeight(model);
    };
    // Trained to 4, forecast 5.
    expect(await landing(undefined, undefined)).toBe(5);
    expect(await landing(1.5, undefined)).toBe(5.5);
    expect(await landing(1.5, 0.25)).toBe(4.25);
    for (const stepScale of [0, -1, 11, Number.NaN])
      expect(() => new PeriodicForecasting(stepForecaster().forecaster, { stepScale })).toThrow(
        /above 0 and at most 10.*stepScale/,
      );
  });

  it('looks back across nowcasts when the period is shorter than the window', async () => {
    const { forecaster, seen } = stepForecaster(5);
    const callback = new PeriodicForecasting(forecaster, { period: 2, start: 4, kinds: ['fc'] });
    const after = await replay(callback, denseModel(), range(0, 11));
    expect(callback.history.map(({ epoch, outcome }) => [epoch, outcome])).toEqual([
      [5, 'kept'],
      [7, 'kept'],
      [9, 'kept'],
    ]);
    expect(seen.map(({ first }) => first)).toEqual([range(1, 6), range(3, 8), range(5, 10)]);
    expect([5, 6, 7, 8].map((epoch) => after.get(epoch))).toEqual([6, 6, 8, 8]);
  });

  it('refuses periods and start epochs that there are not', () => {
    const { forecaster } = stepForecaster(5);
    expect(() => new PeriodicForecasting(forecaster, { period: 0 })).toThrow(/at least 1: period 0/);
    expect(() => new PeriodicForecasting(forecaster, { period: 5.5 })).toThrow(/period 5.5/);
    expect(() => new PeriodicForecasting(forecaster, { start: -1 })).toThrow(/start -1/);
  });

  it('skips windows with a gap', async () => {
    const callback = new PeriodicForecasting(stepForecaster().forecaster, { watch: false });
    await replay(callback, denseModel(), [0, 1, 3, 4, 5, 6, 7, 8, 9]);
    expect(callback.history).toMatchObject([
      { epoch: 4, outcome: 'skipped', reason: 'only 2 of 5 snapshots recorded' },
      { epoch: 9, outcome: 'kept' },
    ]);
  });

  it('skips weights that are not finite, says so once, and recovers', async () => {
    const notes: string[] = [];
    const callback = new PeriodicForecasting(stepForecaster().forecaster, { onNote: (note) => notes.push(note) });
    const trainedTo = (epoch: number) => (epoch === 2 || epoch === 8 ? Number.NaN : epoch);
    const model = denseModel();
    const after = await replay(callback, model, range(0, 15), trainedTo);
    expect(callback.history.map(({ outcome }) => outcome)).toEqual(['skipped', 'skipped', 'kept']);
    expect(notes).toEqual(['Nowcast after snapshot 4 skipped: weights are not finite (NaN or infinite)']);
    expect(after.get(4)).toBe(4);
    expect(after.get(14)).toBe(15);
  });

  it('skips a forecast that is not finite', async () => {
    const notes: string[] = [];
    const { forecaster } = stepForecaster(5, Number.POSITIVE_INFINITY);
    const callback = new PeriodicForecasting(forecaster, { onNote: (note) => notes.push(note) });
    const after = await replay(callback, denseModel(), range(0, 5));
    expect(after.get(4)).toBe(4);
    expect(notes[0]).toMatch(/forecast is not finite/);
  });

  it('says so when a model has nothing to nowcast', async () => {
    const notes: string[] = [];
    const model = tfl.sequential({ layers: [tfl.layers.batchNormalization({ inputShape: [2] })] });
    const callback = new PeriodicForecasting(stepForecaster().forecaster, { onNote: (note) => notes.push(note) });
    callback.setModel(model);
    for (const epoch of range(0, 10)) {
      await callback.onEpochBegin(epoch);
      await callback.onEpochEnd(epoch);
    }
    await callback.onEpochBegin(10);
    expect(notes).toEqual(['Nowcast after snapshot 4 skipped: the model has no layer that can be nowcast']);
  });

  it('serves two models at once with an instance each, and refuses one instance in two fits', async () => {
    const one = denseModel();
    const two = denseModel();
    const forOne = new PeriodicForecasting(stepForecaster(5, 1).forecaster, { watch: false });
    const forTwo = new PeriodicForecasting(stepForecaster(5, 2).forecaster, { watch: false });
    const reference = denseModel();
    await reference.fit(x(), y(), {
      epochs: 6,
      verbose: 0,
      shuffle: false,
      callbacks: [new PeriodicForecasting(stepForecaster(5, 1).forecaster, { watch: false })],
    });
    const options = { epochs: 6, verbose: 0, shuffle: false } as const;
    await Promise.all([
      one.fit(x(), y(), { ...options, callbacks: [forOne] }),
      two.fit(x(), y(), { ...options, callbacks: [forTwo] }),
    ]);
    expect(await firstWeight(one)).toBe(await firstWeight(reference));
    expect(await firstWeight(two)).not.toBe(await firstWeight(one));
    const shared = new PeriodicForecasting(stepForecaster().forecaster, { watch: false });
    await expect(
      Promise.all([
        one.fit(x(), y(), { ...options, callbacks: [shared] }),
        two.fit(x(), y(), { ...options, callbacks: [shared] }),
      ]),
    ).rejects.toThrow(/two fits at the same time.*instance of its own/);
  });

  it('leaks no tensor over 100 epochs and reuses its buffers', async () => {
    const model = denseModel();
    const buffers = new Set<ArrayBufferLike>();
    const forecaster: Forecaster = {
      windowLength: 5,
      kinds: DEFAULT_KINDS,
      async forecast({ snapshots }, out) {
        for (const values of [...snapshots, out]) buffers.add(values.buffer);
        out.set(snapshots[4]);
      },
      async dispose() {},
    };
    const callback = new PeriodicForecasting(forecaster, { watch: false });
    const inputs = x();
    const targets = y();
    await model.fit(inputs, targets, { epochs: 5, verbose: 0, callbacks: [callback] });
    const tensors = tf.memory().numTensors;
    await model.fit(inputs, targets, { epochs: 101, verbose: 0, callbacks: [callback] });
    expect(tf.memory().numTensors).toBe(tensors);
    expect(callback.history.length).toBe(20);
    expect(buffers.size).toBe(5);
  });

  it('leaves frozen layers and batch-norm as training left them', async () => {
    const model = tfl.sequential({
      layers: [
        tfl.layers.dense({ name: 'frozen', units: 3, inputShape: [2], trainable: false }),
        tfl.layers.batchNormalization({}),
        tfl.layers.dense({ name: 'free', units: 1 }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const before = model.getWeights().map((weight) => [...weight.dataSync()]);
    const callback = new PeriodicForecasting(stepForecaster().forecaster, { watch: false });
    callback.setModel(model);
    for (const epoch of range(0, 5)) await callback.onEpochEnd(epoch);
    await callback.onEpochBegin(5);
    const after = model.getWeights().map((weight) => [...weight.dataSync()]);
    const tracked = accessModel(model).tensors.map(({ name }) => name);
    expect(tracked).toEqual(['free/kernel', 'free/bias']);
    const changed = after.map((values, i) => values.some((value, j) => value !== before[i][j]));
    expect(changed.filter(Boolean).length).toBe(2);
  });
});
