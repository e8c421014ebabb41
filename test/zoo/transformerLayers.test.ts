// The layers of transformers against float64 loops, as operations of TensorFlow.js (cpu) and as fused kernels (wasm).

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/engine/index.js';
import { attend } from '../../src/zoo/causalAttention.js';
import { gelu } from '../../src/zoo/gelu.js';
import { LayerNorm, normalizeRows } from '../../src/zoo/layerNorm.js';
import { differentiate, wave } from './finiteDifferences.js';

beforeAll(async () => {
  await openEngine('wasm');
});

function expectClose(actual: tf.Tensor, expected: number[]): void {
  const values = actual.dataSync();
  expect(values).toHaveLength(expected.length);
  expected.forEach((value, i) => {
    expect(values[i]).toBeCloseTo(value, 5);
  });
}

/** Compares value and gradients of an operation with a float64 reference. */
function compare(
  operation: (...inputs: tf.Tensor[]) => tf.Tensor,
  reference: (...inputs: number[][]) => number[],
  inputs: number[][],
  shapes: number[][],
): void {
  const tensors = inputs.map((values, i) => tf.tensor(values, shapes[i]));
  expectClose(operation(...tensors), reference(...inputs));
  const weights = wave(reference(...inputs).length, 1, 0.9);
  const loss = (...arrays: number[][]) => reference(...arrays).reduce((sum, y, i) => sum + y * weights[i], 0);
  const gradients = tf.grads((...x) => {
    const y = operation(...x);
    return tf.sum(tf.mul(y, tf.tensor(weights, y.shape)));
  })(tensors);
  for (const [which, expected] of differentiate(loss, inputs).entries()) expectClose(gradients[which], expected);
}

/** Softmax attention of each position to itself and earlier ones; qkv [batch, steps, 3, heads, size]. */
function attentionLoop(qkv: number[], batch: number, steps: number, heads: number, size: number): number[] {
  const at = (b: number, t: number, part: number, h: number, c: number) =>
    qkv[(((b * steps + t) * 3 + part) * heads + h) * size + c];
  const result: number[] = new Array(batch * steps * heads * size).fill(0);
  for (let b = 0; b < batch; b++)
    for (let h = 0; h < heads; h++)
      for (let i = 0; i < steps; i++) {
        const scores: number[] = [];
        for (let j = 0; j <= i; j++) {
          let dot = 0;
          for (let c = 0; c < size; c++) dot += at(b, i, 0, h, c) * at(b, j, 1, h, c);
          scores.push(Math.exp(dot / Math.sqrt(size)));
        }
        const total = scores.reduce((a, b) => a + b);
        for (let j = 0; j <= i; j++)
          for (let c = 0; c < size; c++)
            result[((b * steps + i) * heads + h) * size + c] += (scores[j] / total) * at(b, j, 2, h, c);
      }
  return result;
}

const geluLoop = (x: number[]) =>
  x.map((v) => 0.5 * v * (1 + Math.tanh(Math.sqrt(2 / Math.PI) * (v + 0.044715 * v ** 3))));

function layerNormLoop(x: number[], gamma: number[], beta: number[]): number[] {
  const units = gamma.length;
  return x.map((value, i) => {
    const row = x.slice(i - (i % units), i - (i % units) + units);
    const mean = row.reduce((a, b) => a + b) / units;
    const variance = row.reduce((a, b) => a + (b - mean) ** 2, 0) / units;
    return ((value - mean) / Math.sqrt(variance + 1e-3)) * gamma[i % units] + beta[i % units];
  });
}

describe.each(['wasm', 'cpu'])('on %s', (backend) => {
  beforeAll(async () => {
    await tf.setBackend(backend);
  });

  // Sizes of one, two and several vectors and of none; steps within a block of 16 and beyond.
  it.each([
    [2, 5, 2, 3],
    [1, 19, 1, 8],
    [1, 4, 2, 13],
  ])('attention of %i x %i positions, %i heads of %i', (batch, steps, heads, size) => {
    compare(
      (qkv) => attend(qkv, heads),
      (qkv) => attentionLoop(qkv, batch, steps, heads, size),
      [wave(batch * steps * 3 * heads * size, 1.5)],
      [[batch, steps, 3 * heads * size]],
    );
  });

  it('attention keeps large scores finite', () => {
    const qkv = wave(2 * 3 * 4, 1).map((value, i) => (i % 12 < 8 ? 300 * value : value));
    expectClose(attend(tf.tensor(qkv, [1, 2, 12]), 1), [...qkv.slice(8, 12), ...attentionWinner(qkv)]);
  });

  it('GELU', () => {
    compare(gelu as (x: tf.Tensor) => tf.Tensor, geluLoop, [[...wave(13, 4), 0]], [[2, 7]]);
    expectClose(gelu(tf.tensor1d([-60, 60])), [0, 60]);
  });

  it.each([3, 16, 21])('layer normalization of %i units', (units) => {
    const operation = (x: tf.Tensor, gamma: tf.Tensor, beta: tf.Tensor) => normalizeRows(x, gamma, beta, 1e-3);
    const inputs = [wave(6 * units, 2), wave(units, 1.5, 0.4), wave(units, 1, 0.7)];
    compare(operation, layerNormLoop, inputs, [[2, 3, units], [units], [units]]);
  });

  it('leaves no tensors behind', () => {
    const qkv = tf.tensor(wave(24, 1), [1, 2, 12]);
    const before = tf.memory().numTensors;
    const loss = (x: tf.Tensor) => tf.sum(gelu(normalizeRows(attend(x, 2), tf.ones([4]), tf.zeros([4]), 1e-5)));
    tf.grad(loss)(qkv).dispose();
    expect(tf.memory().numTensors).toBe(before);
  });

  it('layer normalization is the layer of tfjs-layers', () => {
    const input = tfl.input({ shape: [3, 5] });
    const layers = [new LayerNorm({ epsilon: 1e-5 }), tfl.layers.layerNormalization({ epsilon: 1e-5 })];
    const [own, theirs] = layers.map((layer) =>
      tfl.model({ inputs: input, outputs: layer.apply(input) as tfl.SymbolicTensor }),
    );
    const weights = own.getWeights().map((weight, i) => tf.tensor(wave(weight.size, 1 + i), weight.shape));
    for (const model of [own, theirs]) model.setWeights(weights);
    const x = tf.tensor(wave(30, 2), [2, 3, 5]);
    expectClose(own.predict(x) as tf.Tensor, [...(theirs.predict(x) as tf.Tensor).dataSync()]);
    expect(layers[0].getClassName()).toBe(layers[1].getClassName());
    expect(layers[1].getConfig()).toMatchObject({ ...layers[0].getConfig(), axis: [2], name: layers[1].name });
  });
});

/** Where one of two scores is far larger: the values of that position. */
function attentionWinner(qkv: number[]): number[] {
  const dot = (j: number) => [0, 1, 2, 3].reduce((sum, c) => sum + qkv[12 + c] * qkv[12 * j + 4 + c], 0);
  const winner = dot(1) > dot(0) ? 1 : 0;
  return qkv.slice(12 * winner + 8, 12 * winner + 12);
}
