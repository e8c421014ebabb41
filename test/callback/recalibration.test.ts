// Moving statistics after a nowcast, against means and variances of a float64 loop over the training batches.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ForecastingOptions, PeriodicForecasting } from '../../src/callback/periodicForecasting.js';
import { lineForecaster } from './lineForecaster.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const BATCHES = [
  [1, 2, 3, 4, 5, 6],
  [0, -1, 2, 2, 1, 0],
  [3, 3, -2, 1, 0, 5],
];
const batch = (i: number) => tf.tensor2d(BATCHES[i], [3, 2]);

/** Ends an epoch after which a nowcast happens, with weights that are known. */
async function nowcast(options: ForecastingOptions): Promise<tfl.Sequential> {
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({ units: 2, inputShape: [2], useBias: false }),
      tfl.layers.batchNormalization({ momentum: 0.9 }),
    ],
  });
  const callback = new PeriodicForecasting(lineForecaster(3).forecaster, { watch: false, ...options });
  callback.setModel(model);
  await callback.onTrainBegin();
  for (let epoch = 0; epoch < 3; epoch++) {
    await callback.onEpochBegin(epoch);
    model.layers[0].setWeights([tf.tensor2d([1 + epoch, 0.5, -epoch, 2], [2, 2])]);
    await callback.onEpochEnd(epoch);
  }
  await callback.onEpochBegin(3);
  expect([...model.layers[0].getWeights()[0].dataSync()]).toEqual([4, 0.5, -3, 2]);
  return model;
}

/** Mean over batches of the batches' means and variances of the outputs of the weights after the nowcast. */
function expectedStatistics(batches: number[][]): { mean: number[]; variance: number[] } {
  const kernel = [4, 0.5, -3, 2];
  const [mean, variance] = [
    [0, 0],
    [0, 0],
  ];
  for (const values of batches)
    for (let unit = 0; unit < 2; unit++) {
      const outputs = [0, 1, 2].map((row) => values[2 * row] * kernel[unit] + values[2 * row + 1] * kernel[2 + unit]);
      const average = outputs.reduce((sum, value) => sum + value, 0) / 3;
      mean[unit] += average / batches.length;
      variance[unit] += outputs.reduce((sum, value) => sum + (value - average) ** 2, 0) / 3 / batches.length;
    }
  return { mean, variance };
}

function expectStatistics(model: tfl.Sequential, batches: number[][]): void {
  const [, , mean, variance] = model.layers[1].getWeights().map((tensor) => [...tensor.dataSync()]);
  const expected = expectedStatistics(batches);
  for (const unit of [0, 1]) {
    expect(mean[unit]).toBeCloseTo(expected.mean[unit], 4);
    expect(variance[unit]).toBeCloseTo(expected.variance[unit], 3);
  }
}

describe('recalibrate', () => {
  it('estimates moving statistics from the first n batches of a function', async () => {
    let taken = 0;
    const batches = function* () {
      for (const i of BATCHES.keys()) {
        taken++;
        yield batch(i);
      }
    };
    expectStatistics(await nowcast({ recalibrate: { batches, n: 2 } }), BATCHES.slice(0, 2));
    expect(taken).toBe(2);
  });

  it('takes a dataset as fitDataset does, as many batches as there are, and disposes of them', async () => {
    const made: tf.Tensor[] = [];
    const batches = {
      async iterator() {
        let i = 0;
        return {
          async next() {
            if (i === BATCHES.length) return { value: null, done: true };
            const value = { xs: batch(i++), ys: tf.zeros([3, 2]) };
            made.push(value.xs, value.ys);
            return { value, done: false };
          },
        };
      },
    };
    expectStatistics(await nowcast({ recalibrate: { batches } }), BATCHES);
    expect([made.length, made.every(({ isDisposed }) => isDisposed)]).toEqual([6, true]);
  });

  it('leaves moving statistics where it is not asked for', async () => {
    const [, , mean, variance] = (await nowcast({})).layers[1].getWeights().map((tensor) => [...tensor.dataSync()]);
    expect([mean, variance]).toEqual([
      [0, 0],
      [1, 1],
    ]);
  });
});
