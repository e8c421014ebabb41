import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/engine/index.js';
import { BatchNorm, normalizeBatch } from '../../src/zoo/batchNorm.js';

beforeAll(async () => {
  await openEngine('wasm');
});

const CONFIG = { momentum: 0.8, epsilon: 1e-3 };

function expectClose(actual: tf.Tensor, expected: tf.Tensor, digits: number): void {
  expect(actual.shape).toEqual(expected.shape);
  const a = actual.dataSync();
  const b = expected.dataSync();
  for (let i = 0; i < a.length; i++) expect(a[i]).toBeCloseTo(b[i], digits);
}

describe.each(['cpu', 'wasm'])('normalizeBatch on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('has the gradients that finite differences in float64 give', () => {
    const x = Array.from({ length: 24 }, (_, i) => Math.sin(i * 1.7) * 2 + (i % 3));
    const gamma = [0.5, 2, -1];
    const beta = [0.1, 0, 3];
    const weight = x.map((_, i) => Math.cos(i * 0.9));
    /** sum(weight * batchNorm(x)) in float64. */
    const loss = (x: number[], gamma: number[], beta: number[]) => {
      let sum = 0;
      for (let c = 0; c < 3; c++) {
        const column = x.filter((_, i) => i % 3 === c);
        const mean = column.reduce((a, b) => a + b) / 8;
        const variance = column.reduce((a, b) => a + (b - mean) ** 2, 0) / 8;
        column.forEach((value, row) => {
          sum += weight[row * 3 + c] * (((value - mean) / Math.sqrt(variance + 1e-3)) * gamma[c] + beta[c]);
        });
      }
      return sum;
    };
    const gradients = tf.grads((x, gamma, beta) => {
      const { y } = normalizeBatch(x, gamma as tf.Tensor1D, beta as tf.Tensor1D, 1e-3);
      return tf.sum(tf.mul(y, tf.tensor(weight, [2, 2, 2, 3])));
    })([tf.tensor(x, [2, 2, 2, 3]), tf.tensor1d(gamma), tf.tensor1d(beta)]);
    const inputs = [x, gamma, beta];
    inputs.forEach((input, which) => {
      const actual = gradients[which].dataSync();
      input.forEach((value, i) => {
        const shifted = (step: number) => {
          const copy = inputs.map((array) => [...array]) as [number[], number[], number[]];
          copy[which][i] = value + step;
          return loss(...copy);
        };
        expect(actual[i]).toBeCloseTo((shifted(1e-5) - shifted(-1e-5)) / 2e-5, 4);
      });
    });
  });
});

describe.each(['cpu', 'wasm'])('BatchNorm on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  it('does what the layer of tfjs-layers does, in training and after', () => {
    const own = new BatchNorm(CONFIG);
    const reference = tfl.layers.batchNormalization(CONFIG);
    for (let step = 0; step < 3; step++) {
      const x = tf.randomNormal([4, 5, 3, 2], step, 2, 'float32', step + 1);
      expectClose(
        own.apply(x, { training: true }) as tf.Tensor,
        reference.apply(x, { training: true }) as tf.Tensor,
        5,
      );
      if (step === 0) {
        const weights = [tf.tensor1d([2, 0.5]), tf.tensor1d([-1, 3]), ...own.getWeights().slice(2)];
        own.setWeights(weights);
        reference.setWeights(weights);
      }
    }
    own.getWeights().forEach((weight, i) => {
      expectClose(weight, reference.getWeights()[i], 5);
    });
    const x = tf.randomNormal([4, 5, 3, 2], 0, 1, 'float32', 9);
    expectClose(own.apply(x) as tf.Tensor, reference.apply(x) as tf.Tensor, 5);
    expect(own.weights.map((weight) => weight.originalName.split('/').at(-1))).toEqual(
      reference.weights.map((weight) => weight.originalName.split('/').at(-1)),
    );
    expect(own.trainableWeights).toHaveLength(2);
  });

  it('trains without leaving tensors behind', async () => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 3, inputShape: [4] }), new BatchNorm(CONFIG)] });
    model.compile({ optimizer: tf.train.sgd(0.1), loss: 'meanSquaredError' });
    const x = tf.randomNormal([8, 4], 0, 1, 'float32', 1);
    const y = tf.randomNormal([8, 3], 0, 1, 'float32', 2);
    await model.trainOnBatch(x, y);
    const before = tf.memory().numTensors;
    const losses: number[] = [];
    for (let step = 0; step < 20; step++) losses.push((await model.trainOnBatch(x, y)) as number);
    expect(losses[19]).toBeLessThan(losses[0]);
    expect(tf.memory().numTensors).toBe(before);
  });

  it('is saved as the layer of tfjs-layers, with the same values', async () => {
    const model = tfl.sequential({ layers: [new BatchNorm({ ...CONFIG, name: 'bn', inputShape: [2, 2, 3] })] });
    const x = tf.randomNormal([4, 2, 2, 3], 0, 1, 'float32', 1);
    model.layers[0].setWeights([1, 2, 3, 4].map((value) => tf.fill([3], value)));
    let artifacts: tf.io.ModelArtifacts | undefined;
    await model.save({
      save: async (saved) => {
        artifacts = saved;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      },
    });
    const loaded = await tfl.loadLayersModel({ load: async () => artifacts! });
    expect(loaded.layers.at(-1)!.getClassName()).toBe('BatchNormalization');
    expect(loaded.layers.at(-1)).not.toBeInstanceOf(BatchNorm);
    expectClose(loaded.predict(x) as tf.Tensor, model.predict(x) as tf.Tensor, 6);
  });
});
