import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { estimateBatchNorm } from '../../src/callback/batchNormStatistics.js';
import { BatchNorm } from '../../src/zoo/batchNorm.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const KERNEL = [
  [0.5, -1, 2],
  [1.5, 0.25, -0.75],
];
const BATCHES = [
  [
    [1, 2],
    [3, -1],
    [0, 4],
    [2, 2],
  ],
  [
    [100, 3],
    [101, 5],
    [99, -2],
  ],
];

type Matrix = number[][];
const mean = (values: number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;
const columnsOf = (rows: Matrix) => rows[0].map((_, column) => rows.map((row) => row[column]));

/** Means and biased variances of the two layers' inputs, averaged over batches, in float64. */
function expectedStatistics(batches: Matrix[], kernel: Matrix, epsilon: number): Matrix {
  const perBatch = batches.map((rows) => {
    const all: Matrix = [];
    let values = rows;
    for (const map of [null, kernel]) {
      if (map !== null)
        values = values.map((row) => map[0].map((_, j) => row.reduce((sum, x, i) => sum + x * map[i][j], 0)));
      const columns = columnsOf(values);
      const means = columns.map(mean);
      const variances = columns.map((column, c) => mean(column.map((value) => (value - means[c]) ** 2)));
      all.push(means, variances);
      values = values.map((row) => row.map((value, c) => (value - means[c]) / Math.sqrt(variances[c] + epsilon)));
    }
    return all;
  });
  return perBatch[0].map((values, s) => values.map((_, c) => mean(perBatch.map((batch) => batch[s][c]))));
}

const LAYERS = {
  'tfjs-layers': (momentum: number, inputShape?: [number]) =>
    tfl.layers.batchNormalization({ momentum, epsilon: 1e-3, inputShape }),
  'the zoo': (momentum: number, inputShape?: [number]) => new BatchNorm({ momentum, epsilon: 1e-3, inputShape }),
};

/** Batch-norm, a known linear map, batch-norm. The moving statistics are far from any batch's. */
function makeModel(make: (typeof LAYERS)[keyof typeof LAYERS], momentum: number): tfl.Sequential {
  const dense = tfl.layers.dense({ units: 3, useBias: false });
  const model = tfl.sequential({ layers: [make(momentum, [2]), dense, make(momentum)] });
  dense.setWeights([tf.tensor2d(KERNEL)]);
  for (const layer of [model.layers[0], model.layers[2]]) {
    const [gamma, beta] = layer.getWeights();
    layer.setWeights([gamma, beta, tf.fill(gamma.shape, 1e4), tf.fill(gamma.shape, 1e6)]);
  }
  return model;
}

const statisticsOf = (model: tfl.LayersModel) =>
  model.weights.filter(({ name }) => /moving/.test(name)).map((variable) => [...variable.read().dataSync()]);

describe.each(Object.entries(LAYERS))('estimateBatchNorm with the layer of %s', (_, make) => {
  it.each([0.99, 0.5, 0])('sets the mean over batches, whatever was there, at momentum %d', async (momentum) => {
    const model = makeModel(make, momentum);
    const trainable = () => model.trainableWeights.map((variable) => [...variable.read().dataSync()]);
    const before = trainable();
    expect(
      await estimateBatchNorm(
        model,
        BATCHES.map((rows) => tf.tensor2d(rows)),
      ),
    ).toBe(2);
    for (const [s, expected] of expectedStatistics(BATCHES, KERNEL, 1e-3).entries())
      for (const [c, value] of expected.entries())
        expect(Math.abs(statisticsOf(model)[s][c] - value)).toBeLessThan(1e-5 * Math.max(1, Math.abs(value)));
    expect(trainable()).toEqual(before);
    // The layers train on as ever.
    model.compile({ optimizer: tf.train.sgd(0), loss: 'meanSquaredError' });
    const [first] = statisticsOf(model);
    await model.fit(tf.fill([4, 2], 7), tf.zeros([4, 3]), { epochs: 1, batchSize: 4, verbose: 0 });
    for (const [c, value] of statisticsOf(model)[0].entries())
      expect(value).toBeCloseTo(momentum * first[c] + (1 - momentum) * 7, 4);
  });
});

describe('estimateBatchNorm', () => {
  it('takes no batch of a model without batch-norm', async () => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [2] })] });
    const batches = (function* (): Generator<tf.Tensor> {
      throw new Error('asked for');
      // biome-ignore lint/correctness/noUnreachable: makes it a generator
      yield tf.zeros([1, 2]);
    })();
    expect(await estimateBatchNorm(model, batches)).toBe(0);
  });

  it('counts each use of a layer that a model uses twice', async () => {
    const shared = tfl.layers.batchNormalization({ momentum: 0.9 });
    const inputs = [tfl.input({ shape: [1] }), tfl.input({ shape: [1] })];
    const outputs = inputs.map((input) => shared.apply(input) as tfl.SymbolicTensor);
    const model = tfl.model({ inputs, outputs });
    await estimateBatchNorm(model, [[tf.tensor2d([[1], [3]]), tf.tensor2d([[10], [16]])]]);
    const [movingMean, variance] = statisticsOf(model).map(([value]) => value);
    expect(movingMean).toBeCloseTo((2 + 13) / 2, 5);
    expect(variance).toBeCloseTo((1 + 9) / 2, 5);
  });

  it('reaches nested models, and leaves a layer of momentum 1 alone', async () => {
    const frozen = tfl.layers.batchNormalization({ momentum: 1, inputShape: [1] });
    const nested = tfl.sequential({ layers: [tfl.layers.batchNormalization({ momentum: 0.9, inputShape: [1] })] });
    const model = tfl.sequential({ layers: [frozen, nested] });
    await estimateBatchNorm(model, [tf.tensor2d([[1], [3]])]);
    expect([...frozen.getWeights()[2].dataSync()]).toEqual([0]);
    expect(nested.getWeights()[3].dataSync()[0]).toBeCloseTo(1 / (1 + 1e-3), 5);
  });

  it('leaves the statistics of before without a batch, or when one fails, and keeps no tensor', async () => {
    const model = makeModel(LAYERS['tfjs-layers'], 0.9);
    const before = statisticsOf(model);
    const input = tf.ones([4, 2]);
    await estimateBatchNorm(model, [input]);
    expect(statisticsOf(model)).not.toEqual(before);
    const estimated = statisticsOf(model);
    const tensors = tf.memory().numTensors;
    expect(await estimateBatchNorm(model, [])).toBe(0);
    await expect(estimateBatchNorm(model, [input, tf.keep(tf.ones([4, 3]))])).rejects.toThrow();
    expect(statisticsOf(model)).toEqual(estimated);
    await estimateBatchNorm(model, [input, input]);
    expect(tf.memory().numTensors).toBe(tensors + 1);
    const batches = async function* () {
      yield input;
      yield input;
    };
    expect(await estimateBatchNorm(model, batches())).toBe(2);
  });
});
