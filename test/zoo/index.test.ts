import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { MismatchError, UsageError } from '../../src/errors.js';
import { architectureNames, buildModel } from '../../src/zoo/index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Trainable and other parameters, each derived by hand beside it. */
const PARAMETERS: Record<string, [digits: number, colours: number]> = {
  // conv 5x5: 1 -> 6, 6 -> 16; both inputs end in 5x5x16; dense 120, 84, 10. Colours: conv1 sees 3 channels.
  lenet: [
    26 * 6 + 151 * 16 + 401 * 120 + 121 * 84 + 85 * 10, // 61,706, as published
    76 * 6 + 151 * 16 + 401 * 120 + 121 * 84 + 85 * 10, // 62,006
  ],
  mlp: [785 * 128 + 129 * 64 + 65 * 10, 3073 * 128 + 129 * 64 + 65 * 10],
  // conv 3x3: c -> 8 -> 16 -> 32 -> 32; pooled to 1x1 (28: 14, 7, 3, 1) or 2x2 (32: 16, 8, 4, 2) of 32 maps.
  simplenet: [
    10 * 8 + 73 * 16 + 145 * 32 + 289 * 32 + 33 * 64 + 65 * 10,
    28 * 8 + 73 * 16 + 145 * 32 + 289 * 32 + 129 * 64 + 65 * 10,
  ],
};

describe('buildModel', () => {
  it.each(architectureNames())('builds %s with the parameters that its definition has', (name) => {
    const counts = [
      [28, 28, 1],
      [32, 32, 3],
    ].map((inputShape) => {
      const model = buildModel(name, { inputShape, classes: 10, seed: 1 });
      expect(model.outputShape).toEqual([null, 10]);
      const count = model.countParams();
      model.dispose();
      return count;
    });
    expect(counts).toEqual(PARAMETERS[name]);
  });

  it.each(architectureNames())('gives %s the same names and weights each time, by seed', (name) => {
    const [first, again, other] = [1, 1, 2].map((seed) => {
      const model = buildModel(name, { inputShape: [28, 28, 1], classes: 10, seed, width: 0.5 });
      const names = model.weights.map((weight) => weight.originalName);
      const layers = model.layers.map((layer) => layer.name);
      const kernels = model.getWeights().filter((weight) => weight.rank > 1);
      const values = kernels.map((kernel) => kernel.dataSync());
      model.dispose();
      return { names, layers, values };
    });
    expect(new Set(first.names).size).toBe(first.names.length);
    expect(again).toEqual(first);
    expect(other.names).toEqual(first.names);
    first.values.forEach((values, i) => {
      expect(other.values[i]).not.toEqual(values);
    });
  });

  it('draws different values for layers of the same shape', () => {
    const model = buildModel('simplenet', { inputShape: [32, 32, 3], classes: 32, seed: 1 });
    const values = model.getWeights().map((weight) => weight.dataSync());
    const tails = values.filter((array) => array.length > 100).map((array) => array.slice(0, 8).join());
    expect(new Set(tails).size).toBe(tails.length);
    model.dispose();
  });

  it('gives probabilities', () => {
    const model = buildModel('lenet', { inputShape: [28, 28, 1], classes: 10, seed: 1 });
    const sums = tf.tidy(() => {
      const images = tf.randomUniform([3, 28, 28, 1], 0, 1, 'float32', 4);
      return tf.sum(model.predict(images) as tf.Tensor, -1).dataSync();
    });
    for (const sum of sums) expect(sum).toBeCloseTo(1, 5);
    model.dispose();
  });

  it('refuses what it cannot build', () => {
    const options = { inputShape: [28, 28, 1], classes: 10, seed: 1 };
    expect(() => buildModel('lenin', options)).toThrow(UsageError);
    expect(() => buildModel('lenet', { ...options, width: 0 })).toThrow(UsageError);
    expect(() => buildModel('lenet', { ...options, width: Number.NaN })).toThrow(UsageError);
    expect(() => buildModel('lenet', { ...options, inputShape: [28] })).toThrow(MismatchError);
  });
});
