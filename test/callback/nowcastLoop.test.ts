// When nowcasts happen: by epochs and by steps, in fit and in loops of one's own, stopped and gone on with, beside other
// callbacks, and where no training follows.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ForecastingOptions, PeriodicForecasting } from '../../src/callback/periodicForecasting.js';
import { lineForecaster } from './lineForecaster.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const STEPS = { unit: 'step', every: 2 } as const;

function makeModel(): tfl.Sequential {
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({
        name: 'only',
        units: 1,
        inputShape: [2],
        kernelInitializer: tfl.initializers.glorotUniform({ seed: 3 }),
      }),
    ],
  });
  model.compile({ optimizer: tf.train.sgd(0.05), loss: 'meanSquaredError' });
  return model;
}

const x = () => tf.tensor2d([0.1, 0.4, -0.7, 0.2, 0.9, -0.3, 0.5, 0.5], [4, 2]);
const y = () => tf.tensor2d([0.3, -0.2, 0.8, 0.1], [4, 1]);
const weightsOf = (model: tfl.LayersModel) => model.getWeights().flatMap((weight) => [...weight.dataSync()]);

describe('in fit', () => {
  it('shows other callbacks, before and behind it, the weights that the metrics of the epoch are of', async () => {
    const model = makeModel();
    const [inputs, targets] = [x(), y()];
    const measured: { epoch: number; reported: number; own: number }[] = [];
    const saveBest = () =>
      new tfl.CustomCallback({
        onEpochEnd: async (epoch, logs) => {
          const own = (model.evaluate(inputs, targets, { verbose: 0 }) as tf.Scalar).dataSync()[0];
          measured.push({ epoch, reported: logs?.val_loss as number, own });
        },
      });
    const nowcasting = new PeriodicForecasting(lineForecaster().forecaster, { watch: false });
    await model.fit(inputs, targets, {
      epochs: 9,
      verbose: 0,
      validationData: [inputs, targets],
      callbacks: [saveBest(), nowcasting, saveBest()],
    });
    expect(nowcasting.history.map(({ epoch, outcome }) => [epoch, outcome])).toEqual([
      [2, 'kept'],
      [5, 'kept'],
    ]);
    expect(measured.length).toBe(18);
    for (const { reported, own } of measured) expect(own).toBeCloseTo(reported, 6);
  });

  it('returns a model that the history describes: nothing is nowcast after the last epoch', async () => {
    const model = makeModel();
    const nowcasting = new PeriodicForecasting(lineForecaster().forecaster, { watch: false });
    const { history } = await model.fit(x(), y(), {
      epochs: 6,
      verbose: 0,
      validationData: [x(), y()],
      callbacks: [nowcasting],
    });
    expect(nowcasting.history.map(({ epoch }) => epoch)).toEqual([2]);
    const loss = (model.evaluate(x(), y(), { verbose: 0 }) as tf.Scalar).dataSync()[0];
    expect(loss).toBeCloseTo(history.val_loss[5] as number, 6);
  });

  it('does not nowcast when training is stopped early', async () => {
    const model = makeModel();
    const nowcasting = new PeriodicForecasting(lineForecaster().forecaster, { watch: false });
    const stop = new tfl.CustomCallback({
      onEpochEnd: async (epoch) => {
        if (epoch === 2) model.stopTraining = true;
      },
    });
    await model.fit(x(), y(), { epochs: 9, verbose: 0, callbacks: [stop, nowcasting] });
    expect(nowcasting.history).toEqual([]);
  });

  it('counts steps through the epochs where the nowcaster does', async () => {
    const { forecaster, asked } = lineForecaster(3, STEPS);
    const nowcasting = new PeriodicForecasting(forecaster, { watch: false });
    // Four steps an epoch: snapshots after steps 2, 4, 6, ...; nowcasts after snapshots 2, 5 and 8 of 10.
    await makeModel().fit(x(), y(), { epochs: 5, batchSize: 1, shuffle: false, verbose: 0, callbacks: [nowcasting] });
    expect(nowcasting.cadence).toEqual(STEPS);
    expect(nowcasting.history.map(({ snapshot, epoch }) => [snapshot, epoch])).toEqual([
      [2, 1],
      [5, 3],
      [8, 4],
    ]);
    expect(asked).toEqual([2, 5, 8]);
  });

  it('says once when a fit is too short, and what to do', async () => {
    const notes: string[] = [];
    const nowcasting = new PeriodicForecasting(lineForecaster().forecaster, { onNote: (note) => notes.push(note) });
    const model = makeModel();
    for (let i = 0; i < 6; i++) await model.fit(x(), y(), { epochs: 1, verbose: 0, callbacks: [nowcasting] });
    expect(notes).toEqual([expect.stringMatching(/ended after 1 snapshot \(every epoch\).*continue: true/)]);
  });

  it('says so where every nowcast was skipped, and why', async () => {
    const notes: string[] = [];
    const nowcasting = new PeriodicForecasting(lineForecaster().forecaster, { onNote: (note) => notes.push(note) });
    await makeModel().fit(x(), y(), { epochs: 5, verbose: 0, callbacks: [nowcasting] });
    expect(nowcasting.history.map(({ outcome }) => outcome)).toEqual(['skipped']);
    expect(notes).toEqual([
      expect.stringMatching(/^No nowcast happened in 5 snapshots \(every epoch\): too few snapshots/),
    ]);
  });

  it('carries the window over from fit to fit when it is told to, with the nowcasts of one long fit', async () => {
    const train = async (epochs: number[], options: ForecastingOptions) => {
      const nowcasting = new PeriodicForecasting(lineForecaster().forecaster, { watch: false, ...options });
      const model = makeModel();
      for (const count of epochs)
        await model.fit(x(), y(), { epochs: count, shuffle: false, verbose: 0, callbacks: [nowcasting] });
      return { weights: weightsOf(model), snapshots: nowcasting.history.map(({ snapshot }) => snapshot) };
    };
    const long = await train([8], {});
    expect(long.snapshots).toEqual([2, 5]);
    expect(await train([1, 1, 1, 1, 1, 1, 1, 1], { continue: true })).toEqual(long);
    expect(await train([2, 3, 3], { continue: true })).toEqual(long);
  });

  it('says that it is applied at another cadence than the nowcaster was trained at', () => {
    const notes: string[] = [];
    const { forecaster } = lineForecaster(3, { unit: 'step', every: 100 });
    new PeriodicForecasting(forecaster, { cadence: { unit: 'epoch', every: 1 }, onNote: (note) => notes.push(note) });
    expect(notes).toEqual([
      expect.stringMatching(/trained on snapshots every 100 steps.*applied to snapshots every epoch/),
    ]);
    expect(() => new PeriodicForecasting(forecaster, { cadence: { unit: 'day', every: 1 } as never })).toThrow(
      /unit of a cadence is epoch or step, not "day"/,
    );
  });
});

/** A regression on two variables in a loop of one's own: 20 steps, stopped and gone on with after some. */
async function trainVariables(stops: readonly number[]) {
  const variables = {
    'dense/kernel': tf.variable(tf.tensor2d([0.5, -0.5], [2, 1])),
    'dense/bias': tf.variable(tf.zeros([1])),
  };
  const optimizer = tf.train.sgd(0.1);
  const [inputs, targets] = [x(), y()];
  let nowcasting = new PeriodicForecasting(lineForecaster(3, STEPS).forecaster);
  const outcomes: number[] = [];
  for (let step = 0; step < 20; step++) {
    if (stops.includes(step)) {
      const state = structuredClone(nowcasting.state());
      nowcasting = new PeriodicForecasting(lineForecaster(3, STEPS).forecaster);
      nowcasting.restore(state);
    }
    optimizer.minimize(() =>
      tf.losses.meanSquaredError(
        targets,
        tf.add(tf.matMul(inputs, variables['dense/kernel']), variables['dense/bias']),
      ),
    );
    const nowcast = await nowcasting.step(variables);
    if (nowcast) outcomes.push(nowcast.snapshot);
  }
  return { outcomes, weights: Object.values(variables).flatMap((variable) => [...variable.dataSync()]) };
}

describe('in a loop of one’s own', () => {
  it('nowcasts variables by name, and gives the same when it is stopped at any step and gone on with', async () => {
    const straight = await trainVariables([]);
    // Snapshots after every second step, nowcasts after the third, sixth and ninth of them.
    expect(straight.outcomes).toEqual([2, 5, 8]);
    for (let stop = 1; stop < 20; stop++) expect(await trainVariables([stop]), `stopped at ${stop}`).toEqual(straight);
    expect(await trainVariables([3, 4, 11])).toEqual(straight);
  });

  it('takes a model, and leaves it as fit with the same steps does', async () => {
    const inFit = makeModel();
    const callback = new PeriodicForecasting(lineForecaster(3, STEPS).forecaster, { watch: false });
    await inFit.fit(x(), y(), { epochs: 7, batchSize: 4, shuffle: false, verbose: 0, callbacks: [callback] });
    const inLoop = makeModel();
    const nowcasting = new PeriodicForecasting(lineForecaster(3, STEPS).forecaster);
    for (let step = 0; step < 7; step++) {
      await inLoop.trainOnBatch(x(), y());
      await nowcasting.step(inLoop);
    }
    expect(nowcasting.history.map(({ snapshot }) => snapshot)).toEqual([2]);
    expect(callback.history.map(({ snapshot }) => snapshot)).toEqual([2]);
    expect(weightsOf(inLoop)).toEqual(weightsOf(inFit));
  });

  it('says that the watch needs the length, and goes by it', async () => {
    const train = async (length?: number) => {
      const notes: string[] = [];
      const model = makeModel();
      const nowcasting = new PeriodicForecasting(lineForecaster().forecaster, {
        length,
        onNote: (note) => notes.push(note),
      });
      for (let epoch = 0; epoch < 12; epoch++)
        await nowcasting.step(model, (await model.trainOnBatch(x(), y())) as number);
      return { notes, kept: nowcasting.history.filter(({ outcome }) => outcome !== 'skipped').length };
    };
    const unknown = await train();
    expect(unknown).toEqual({
      notes: [expect.stringMatching(/length of the training is unknown.*give `length`/)],
      kept: 0,
    });
    expect((await train(12)).kept).toBeGreaterThan(0);
  });

  it('refuses a state that went through JSON, whose arrays are lost', async () => {
    const nowcasting = new PeriodicForecasting(lineForecaster(3, STEPS).forecaster);
    const variables = { 'a/kernel': tf.variable(tf.zeros([2, 2])) };
    for (let step = 0; step < 4; step++) await nowcasting.step(variables);
    const fresh = new PeriodicForecasting(lineForecaster(3, STEPS).forecaster);
    expect(() => fresh.restore(JSON.parse(JSON.stringify(nowcasting.state())))).toThrow(
      /as JSON makes them.*v8\.serialize/,
    );
    fresh.restore(nowcasting.state());
  });

  it('refuses the state of another network, of another cadence, and what is none', async () => {
    const nowcasting = new PeriodicForecasting(lineForecaster(3, STEPS).forecaster);
    for (let step = 0; step < 4; step++) await nowcasting.step({ 'a/kernel': tf.variable(tf.zeros([2, 2])) });
    const variables = { 'a/kernel': tf.variable(tf.zeros([2, 2])) };
    const other = new PeriodicForecasting(lineForecaster(3, STEPS).forecaster);
    for (let step = 0; step < 4; step++) await other.step(variables);
    const fresh = new PeriodicForecasting(lineForecaster(3, STEPS).forecaster);
    fresh.restore(other.state());
    await expect(fresh.step({ 'b/kernel': tf.variable(tf.zeros([3, 2])) })).rejects.toThrow(
      /state is of another network/,
    );
    const byEpoch = new PeriodicForecasting(lineForecaster(3).forecaster);
    expect(() => byEpoch.restore(other.state())).toThrow(
      /snapshots every 2 steps, this nowcaster takes them every epoch/,
    );
    expect(() => byEpoch.restore({} as never)).toThrow(/not a nowcasting state/);
  });
});
