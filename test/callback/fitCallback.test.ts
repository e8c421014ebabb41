// Copies of tfjs-layers other than the toolkit's: the module loaded once more, which Node then knows in the first's place.

import '@tensorflow/tfjs-backend-cpu';
import { mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterEach, beforeAll, describe, expect, it } from 'vitest';
import { AveragedWeights } from '../../src/callback/averagedWeights.js';
import type { Forecaster } from '../../src/callback/forecaster.js';
import { PeriodicForecasting } from '../../src/callback/periodicForecasting.js';
import { TrajectoryRecorder } from '../../src/collect/recorder.js';
import { DEFAULT_KINDS } from '../../src/nowcaster/spec.js';
import { runDirectory } from '../../src/trajectory/manifest.js';
import { readManifest, readMetrics } from '../../src/trajectory/runReader.js';

const require = createRequire(import.meta.url);
const LAYERS = require.resolve('@tensorflow/tfjs-layers');

/** Another copy of tfjs-layers; `hidden`: such as nobody finds, as in a bundle. */
function anotherCopy({ hidden = false } = {}): typeof tfl {
  const loaded = require.cache[LAYERS];
  delete require.cache[LAYERS];
  const copy = require('@tensorflow/tfjs-layers') as typeof tfl;
  if (hidden) require.cache[LAYERS] = loaded;
  expect(copy.Callback).not.toBe(tfl.Callback);
  return copy;
}

/** Puts 7 in place of every weight. */
const SEVEN: Forecaster = {
  windowLength: 2,
  kinds: DEFAULT_KINDS,
  forecast: async (_, out) => void out.fill(7),
  dispose: async () => {},
};

let models = 0;

function makeModel(copy: typeof tfl): tfl.Sequential {
  // All copies keep their variables by name in the one engine of TensorFlow.js.
  const name = `dense-${++models}`;
  const model = copy.sequential({ layers: [copy.layers.dense({ name, units: 2, inputShape: [3] })] });
  // Weights that do not move, so that what a callback puts there is what is found.
  model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
  return model;
}

const train = (model: tfl.LayersModel, callbacks: unknown, epochs = 3) =>
  model.fit(tf.ones([4, 3]), tf.ones([4, 2]), { epochs, verbose: 0, callbacks: callbacks as never });

const isSeven = async (model: tfl.LayersModel) => (await model.getWeights()[0].data()).every((value) => value === 7);

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** How users give callbacks, beside hooks that note the epochs whose end they saw. */
const LISTS: Record<string, (callback: tfl.Callback, hooks: object, copy: typeof tfl) => unknown> = {
  alone: (callback) => callback,
  'in a list': (callback) => [callback],
  'before hooks': (callback, hooks) => [callback, hooks],
  'after hooks': (callback, hooks) => [hooks, callback],
  "after the copy's own callback": (callback, _, copy) => [
    copy.callbacks.earlyStopping({ monitor: 'loss', patience: 99 }),
    callback,
  ],
};

describe.each(Object.entries(LISTS))('a callback %s', (name, list) => {
  it('averages in a fit of another copy', async () => {
    const copy = anotherCopy();
    const model = makeModel(copy);
    const [x, y] = [tf.ones([4, 3]), tf.ones([4, 2])];
    const callback = new AveragedWeights({ average: 'lawa', k: 1, validation: { x, y } });
    const { history } = await train(model, list(callback, {}, copy));
    // Weights that do not move are their own average.
    const [values] = (callback.value() ?? []).map((weight) => weight.dataSync());
    expect([...values]).toEqual([...model.getWeights()[0].dataSync()]);
    expect(history.averaged_val_loss).toHaveLength(3);
    expect(history.averaged_val_loss[2]).toBeCloseTo(history.loss[2] as number, 5);
    expect(await callback.withAverage(() => model.getWeights().length)).toBe(2);
  });

  it('nowcasts in a fit of another copy', async () => {
    const copy = anotherCopy();
    const model = makeModel(copy);
    const callback = new PeriodicForecasting(SEVEN, { watch: false });
    const seen: number[] = [];
    await train(model, list(callback, { onEpochEnd: (epoch: number) => void seen.push(epoch) }, copy));
    expect(callback.history).toMatchObject([{ epoch: 1, outcome: 'kept', scalars: { fc: 6, bias: 2 } }]);
    expect(await isSeven(model)).toBe(true);
    expect(seen).toEqual(name.endsWith('hooks') ? [0, 1, 2] : []);
  });

  it('records a fit of another copy', async () => {
    const store = mkdtempSync(join(tmpdir(), 'wnn-foreign-'));
    try {
      const copy = anotherCopy();
      const recorder = new TrajectoryRecorder({ store, id: 'run' });
      await train(makeModel(copy), list(recorder, { onEpochEnd: () => {} }, copy), 3);
      const directory = runDirectory(store, 'run');
      const manifest = readManifest(directory);
      expect(manifest).toMatchObject({ status: 'complete', epochsPlanned: 3 });
      expect(manifest.tensors.map(({ shape }) => shape)).toEqual([[3, 2], [2]]);
      expect(await readMetrics(directory)).toMatchObject([{ epoch: 0 }, { epoch: 1 }, { epoch: 2 }]);
    } finally {
      rmSync(store, { recursive: true });
    }
  });
});

it("works after hooks in a fit of the toolkit's own copy", async () => {
  const model = makeModel(tfl);
  const callback = new PeriodicForecasting(SEVEN, { watch: false });
  await train(model, [{ onEpochEnd: () => {} }, callback]);
  expect(callback.history).toMatchObject([{ outcome: 'kept' }]);
  expect(await isSeven(model)).toBe(true);
});

it('tells two trainings at the same time apart', async () => {
  const copy = anotherCopy();
  const [first, second] = [makeModel(copy), makeModel(copy)];
  await Promise.all([train(first, [new PeriodicForecasting(SEVEN, { watch: false })]), train(second, [])]);
  expect([await isSeven(first), await isSeven(second)]).toEqual([true, false]);
});

it('calls the methods of a class that extends it', async () => {
  const begun: number[] = [];
  class Noting extends PeriodicForecasting {
    readonly #begun = begun;
    override async onEpochBegin(epoch?: number): Promise<void> {
      this.#begun.push(epoch!);
      await super.onEpochBegin();
    }
  }
  await train(makeModel(anotherCopy()), [new Noting(SEVEN)]);
  expect(begun).toEqual([0, 1, 2]);
});

describe('a copy that is not found', () => {
  it('is told of, and never trained with the model of another fit', async () => {
    const callback = new PeriodicForecasting(SEVEN, { watch: false });
    await train(makeModel(tfl), [callback]);
    const hidden = anotherCopy({ hidden: true });
    await expect(train(makeModel(hidden), [callback])).rejects.toThrow(
      /another copy of TensorFlow.js .* call setModel/,
    );
  });

  it('is served when the callback is given its model', async () => {
    const hidden = anotherCopy({ hidden: true });
    const model = makeModel(hidden);
    const callback = new PeriodicForecasting(SEVEN, { watch: false });
    callback.setModel(model);
    await train(model, [callback]);
    expect(await isSeven(model)).toBe(true);
  });
});

describe('a copy of a script tag', () => {
  afterEach(() => {
    delete (globalThis as { tf?: unknown }).tf;
  });

  it('is found', async () => {
    const copy = anotherCopy({ hidden: true });
    (globalThis as { tf?: unknown }).tf = copy;
    const model = makeModel(copy);
    await train(model, [new PeriodicForecasting(SEVEN, { watch: false })]);
    expect(await isSeven(model)).toBe(true);
  });
});
