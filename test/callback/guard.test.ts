import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { measureGuardLoss } from '../../src/callback/guard.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const x = () => tf.tensor2d([1, 2, 3, 4, 5, 6, -1, 0, 2, 2], [5, 2]);
const y = () => tf.tensor2d([1, 0, 0, 1, 1, 0, 0, 1, 1, 0], [5, 2]);

describe('measureGuardLoss', () => {
  it('is what evaluate says, whatever the parts, for a model without batch-norm', async () => {
    const model = tfl.sequential({
      layers: [
        tfl.layers.dense({ units: 3, inputShape: [2], activation: 'tanh' }),
        // Off in inference: a loss that were measured in training mode would differ.
        tfl.layers.dropout({ rate: 0.5 }),
        tfl.layers.dense({ units: 2, activation: 'softmax' }),
      ],
    });
    model.compile({ optimizer: 'sgd', loss: 'categoricalCrossentropy' });
    const expected = (model.evaluate(x(), y()) as tf.Scalar).dataSync()[0];
    for (const batchSize of [undefined, 2, 5])
      expect(await measureGuardLoss(model, { x: x(), y: y(), batchSize })).toBeCloseTo(expected, 5);
  });

  it('sums the losses of several outputs, of which evaluate puts the sum last', async () => {
    const input = tfl.input({ shape: [2] });
    const outputs = [1, 2].map((units) => tfl.layers.dense({ units }).apply(input) as tfl.SymbolicTensor);
    const model = tfl.model({ inputs: input, outputs });
    model.compile({ optimizer: 'sgd', loss: ['meanSquaredError', 'meanAbsoluteError'] });
    const targets = [tf.ones([5, 1]), y()];
    const [, total] = model.evaluate(x(), targets) as tf.Scalar[];
    expect(await measureGuardLoss(model, { x: x(), y: targets, batchSize: 3 })).toBeCloseTo(total.dataSync()[0], 5);
  });

  it('measures batch-norm by the statistics of the batch, and leaves the moving ones as they were', async () => {
    const model = tfl.sequential({ layers: [tfl.layers.batchNormalization({ inputShape: [2], epsilon: 1e-6 })] });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const before = model.getWeights().map((weight) => [...weight.dataSync()]);
    const loss = await measureGuardLoss(model, { x: x(), y: y(), batchSize: 5 });
    const columns = [0, 1].map((column) => (x().arraySync() as number[][]).map((row) => row[column]));
    const normalized = columns.map((values) => {
      const mean = values.reduce((sum, value) => sum + value, 0) / 5;
      const variance = values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / 5;
      return values.map((value) => (value - mean) / Math.sqrt(variance + 1e-6));
    });
    let expected = 0;
    for (const [i, row] of (y().arraySync() as number[][]).entries())
      for (const [column, target] of row.entries()) expected += (normalized[column][i] - target) ** 2 / 10;
    expect(loss).toBeCloseTo(expected, 4);
    expect(model.getWeights().map((weight) => [...weight.dataSync()])).toEqual(before);
  });

  it('keeps no tensor', async () => {
    const model = tfl.sequential({
      layers: [tfl.layers.batchNormalization({ inputShape: [2] }), tfl.layers.dense({ units: 2 })],
    });
    model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const guard = { x: x(), y: y(), batchSize: 2 };
    await measureGuardLoss(model, guard);
    const tensors = tf.memory().numTensors;
    await measureGuardLoss(model, guard);
    expect(tf.memory().numTensors).toBe(tensors);
  });
});
