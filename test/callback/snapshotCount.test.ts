// A number of snapshots over the training in place of a cadence: it is that of as many steps, in fit and in loops of one's own,
// and a training of unknown length is refused before it begins.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { LoopOptions } from '../../src/callback/loopOptions.js';
import { type ForecastingOptions, PeriodicForecasting } from '../../src/callback/periodicForecasting.js';
import { lineForecaster } from './lineForecaster.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const EXAMPLES = 12;

function makeModel(): tfl.Sequential {
  const kernelInitializer = tfl.initializers.glorotUniform({ seed: 3 });
  const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [2], kernelInitializer })] });
  model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
  return model;
}

async function train(epochs: number, batchSize: number, options: ForecastingOptions) {
  const nowcasting = new PeriodicForecasting(lineForecaster().forecaster, {
    watch: false,
    onNote: () => {},
    ...options,
  });
  const x = tf.randomNormal([EXAMPLES, 2], 0, 1, 'float32', 7);
  const y = tf.sum(x, 1, true);
  const model = makeModel();
  await model.fit(x, y, { epochs, batchSize, shuffle: false, verbose: 0, callbacks: [nowcasting] });
  return {
    nowcasting,
    snapshots: nowcasting.history.map(({ snapshot }) => snapshot),
    weights: model.getWeights().flatMap((weight) => [...weight.dataSync()]),
  };
}

describe('a number of snapshots', () => {
  it.each([
    [10, 4, 12, 2],
    [10, 4, 7, 4],
    [10, 5, 12, 2],
    [5, 12, 30, 1],
  ])('of %i epochs in batches of %i: %i are one every %i steps', async (epochs, batchSize, snapshots, every) => {
    const counted = await train(epochs, batchSize, { cadence: { snapshots } });
    const stepped = await train(epochs, batchSize, { cadence: { unit: 'step', every } });
    expect(counted.nowcasting.cadence).toEqual({ unit: 'step', every });
    expect(counted.snapshots).toEqual(stepped.snapshots);
    expect(counted.snapshots.length).toBeGreaterThan(0);
    expect(counted.weights).toEqual(stepped.weights);
  });

  it('says so once where the training has fewer steps', async () => {
    const notes: string[] = [];
    const { nowcasting } = await train(5, 12, { cadence: { snapshots: 30 }, onNote: (note) => notes.push(note) });
    expect(nowcasting.cadence).toEqual({ unit: 'step', every: 1 });
    expect(notes).toContain('A training of 5 steps has no 30 snapshots: one is taken at each step');
  });

  it('is worked out anew for the next training', async () => {
    const { nowcasting } = await train(10, 4, { cadence: { snapshots: 6 } });
    expect(nowcasting.cadence.every).toBe(5);
    const model = makeModel();
    await model.fit(tf.ones([4, 2]), tf.ones([4, 1]), { epochs: 20, verbose: 0, callbacks: [nowcasting] });
    expect(nowcasting.cadence.every).toBe(3);
  });

  it('needs the length in a loop of one’s own, in steps', async () => {
    const variables = { 'a/kernel': tf.variable(tf.zeros([2, 2])) };
    const create = (options: LoopOptions) =>
      new PeriodicForecasting(lineForecaster().forecaster, { onNote: () => {}, cadence: { snapshots: 9 }, ...options });
    await expect(create({}).step(variables)).rejects.toThrow(
      /how many steps the training has is not known: cadence \{"snapshots":9\}; give `length` in steps/,
    );
    const nowcasting = create({ length: 18 });
    for (let step = 0; step < 18; step++) await nowcasting.step(variables);
    expect(nowcasting.history.map(({ snapshot }) => snapshot)).toEqual([2, 5, 8]);
  });

  it('refuses a dataset of unknown size before anything is trained', async () => {
    let asked = 0;
    const dataset = {
      async iterator() {
        asked++;
        return { next: async () => ({ done: true, value: null }) };
      },
    };
    const nowcasting = new PeriodicForecasting(lineForecaster().forecaster, { cadence: { snapshots: 9 } });
    const training = makeModel().fitDataset(dataset as never, { epochs: 3, callbacks: [nowcasting] });
    await expect(training).rejects.toThrow(/how many steps the training has is not known/);
    expect(asked).toBe(0);
  });

  it('notes the cadence that it comes to where the nowcaster was trained at another', async () => {
    const notes: string[] = [];
    await train(10, 4, { cadence: { snapshots: 6 }, onNote: (note) => notes.push(note) });
    expect(notes).toEqual([
      'The nowcaster was trained on snapshots every epoch and is applied to snapshots every 5 steps',
    ]);
  });

  it.each([
    [{ snapshots: 1 }, /cadence\.snapshots must be a whole number of at least 2/],
    [{ snapshots: 2.5 }, /whole number/],
    [{ snapshots: 9, every: 2 }, /every/],
  ])('refuses %o', (cadence, message) => {
    expect(() => new PeriodicForecasting(lineForecaster().forecaster, { cadence: cadence as never })).toThrow(message);
  });
});
