// Filters before batch-norm: which are found, and norms that a nowcast keeps, against a float64 loop.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { PeriodicForecasting } from '../../src/callback/periodicForecasting.js';
import { accessModel } from '../../src/callback/trackedTensors.js';
import { lineForecaster } from './lineForecaster.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function makeModel(): tfl.LayersModel {
  const input = tfl.input({ shape: [4, 4, 2] });
  const apply = (layer: tfl.layers.Layer, to: tfl.SymbolicTensor) => layer.apply(to) as tfl.SymbolicTensor;
  let x = apply(tfl.layers.conv2d({ name: 'conv', filters: 3, kernelSize: 2 }), input);
  x = apply(tfl.layers.batchNormalization({}), x);
  x = apply(tfl.layers.depthwiseConv2d({ name: 'depthwise', kernelSize: 2, depthMultiplier: 2 }), x);
  x = apply(tfl.layers.batchNormalization({}), x);
  x = apply(tfl.layers.conv2d({ name: 'activated', filters: 2, kernelSize: 1, activation: 'relu' }), x);
  x = apply(tfl.layers.batchNormalization({}), x);
  const branch = apply(tfl.layers.conv2d({ name: 'seen', filters: 2, kernelSize: 1 }), x);
  x = tfl.layers.add().apply([apply(tfl.layers.batchNormalization({}), branch), branch]) as tfl.SymbolicTensor;
  x = apply(tfl.layers.flatten(), x);
  x = apply(tfl.layers.dense({ name: 'dense', units: 3 }), x);
  x = apply(tfl.layers.batchNormalization({}), x);
  return tfl.model({ inputs: input, outputs: apply(tfl.layers.dense({ name: 'last', units: 1 }), x) });
}

/** Norms of the filters of a tensor, filter f being `of(index)`. */
function normsOf(values: ArrayLike<number>, of: (index: number) => number, filters: number): number[] {
  const sums = new Array(filters).fill(0);
  for (let i = 0; i < values.length; i++) sums[of(i)] += values[i] * values[i];
  return sums.map(Math.sqrt);
}

describe('filters before batch-norm', () => {
  it('are those of layers without activation whose outputs nothing but batch-norm sees', () => {
    const found = accessModel(makeModel(), { keepNorm: true }).tensors.filter(({ filters }) => filters !== undefined);
    expect(found.map(({ name, filters }) => [name, filters])).toEqual([
      ['conv/kernel', 3],
      ['depthwise/depthwise_kernel', 6],
      ['dense/kernel', 3],
    ]);
    expect(accessModel(makeModel()).tensors.every(({ filters }) => filters === undefined)).toBe(true);
  });

  it('keep their norms in a nowcast, and turn as far as without', async () => {
    const nowcast = async (keepNorm: boolean) => {
      const model = makeModel();
      const callback = new PeriodicForecasting(lineForecaster(3).forecaster, { keepNorm, watch: false });
      callback.setModel(model);
      await callback.onTrainBegin();
      let last: number[][] = [];
      for (let epoch = 0; epoch < 3; epoch++) {
        await callback.onEpochBegin(epoch);
        const values = model.getWeights().map(({ size, shape }, w) =>
          tf.tensor(
            Float32Array.from({ length: size }, (_, i) => Math.sin(w + i) + 0.2 * epoch * Math.cos(3 * i + w)),
            shape,
          ),
        );
        model.setWeights(values);
        last = values.map((tensor) => [...tensor.dataSync()]);
        await callback.onEpochEnd(epoch);
      }
      await callback.onEpochBegin(3);
      return { last, jumped: model.getWeights().map((tensor) => [...tensor.dataSync()]), model };
    };
    const [free, kept] = [await nowcast(false), await nowcast(true)];
    const names = free.model.weights.map(({ originalName }) => originalName);
    const filters: Record<string, [of: (i: number) => number, count: number]> = {
      'conv/kernel': [(i) => i % 3, 3],
      'depthwise/depthwise_kernel': [(i) => i % 6, 6],
      'dense/kernel': [(i) => i % 3, 3],
    };
    for (const [w, name] of names.entries()) {
      const own = filters[name];
      if (own === undefined) {
        expect(kept.jumped[w], name).toEqual(free.jumped[w]);
        continue;
      }
      const [before, after] = [free.last[w], free.jumped[w]].map((values) => normsOf(values, ...own));
      for (const [i, value] of kept.jumped[w].entries())
        expect(value, `${name} ${i}`).toBeCloseTo((free.jumped[w][i] * before[own[0](i)]) / after[own[0](i)], 6);
      expect(Math.max(...before.map((norm, f) => Math.abs(norm - after[f])))).toBeGreaterThan(0.05);
    }
  });

  it('are named in loops of one’s own, and filters of zeros stay zeros', async () => {
    const variables = { 'a/kernel': tf.variable(tf.zeros([2, 2])), 'b/kernel': tf.variable(tf.zeros([2, 2])) };
    const nowcasting = new PeriodicForecasting(lineForecaster(3).forecaster, { keepNorm: ['a/kernel'] });
    for (let step = 0; step < 3; step++) {
      // The first filter grows along itself, the second stays zero.
      for (const variable of Object.values(variables))
        variable.assign(tf.tensor2d([step + 1, 0, 2 * step + 2, 0], [2, 2]));
      await nowcasting.step(variables);
    }
    expect([...variables['a/kernel'].dataSync()]).toEqual([3, 0, 6, 0]);
    expect([...variables['b/kernel'].dataSync()]).toEqual([4, 0, 8, 0]);
  });
});
