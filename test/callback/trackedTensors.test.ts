import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { accessModel } from '../../src/callback/trackedTensors.js';
import type { WeightAccess } from '../../src/callback/weightAccess.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const names = (tracked: WeightAccess) => tracked.tensors.map(({ name, kind }) => `${kind} ${name}`);

describe('accessModel', () => {
  it('sorts kernels by rank, biases last, and keeps the order of the layers within a kind', () => {
    const model = tfl.sequential({
      layers: [
        tfl.layers.conv2d({ name: 'c1', inputShape: [8, 8, 2], filters: 3, kernelSize: 3 }),
        tfl.layers.depthwiseConv2d({ name: 'dw', kernelSize: 3 }),
        tfl.layers.separableConv2d({ name: 'sep', filters: 2, kernelSize: 1 }),
        tfl.layers.flatten(),
        tfl.layers.dense({ name: 'd1', units: 5 }),
      ],
    });
    const tracked = accessModel(model);
    expect(names(tracked)).toEqual([
      'conv c1/kernel',
      'conv dw/depthwise_kernel',
      'conv sep/depthwise_kernel',
      'conv sep/pointwise_kernel',
      'fc d1/kernel',
      'bias c1/bias',
      'bias dw/bias',
      'bias sep/bias',
      'bias d1/bias',
    ]);
    expect(tracked.size).toBe(model.countParams());
    const fc = tracked.tensors.filter(({ kind }) => kind === 'fc');
    expect(fc.reduce((sum, { size }) => sum + size, 0)).toBe(4 * 4 * 2 * 5);
  });

  it('leaves alone batch-norm, layer-norm, embeddings, frozen layers and layers of more than three arrays', () => {
    const input = tfl.input({ shape: [4] });
    let x = tfl.layers.embedding({ inputDim: 5, outputDim: 6 }).apply(input) as tfl.SymbolicTensor;
    x = tfl.layers
      .bidirectional({
        layer: tfl.layers.gru({ units: 3, recurrentInitializer: 'glorotUniform' }) as tfl.RNN,
        mergeMode: 'concat',
      })
      .apply(x) as tfl.SymbolicTensor;
    x = tfl.layers.batchNormalization({ name: 'first' }).apply(x) as tfl.SymbolicTensor;
    x = tfl.layers.batchNormalization({ name: 'second', center: false }).apply(x) as tfl.SymbolicTensor;
    x = tfl.layers.layerNormalization({ name: 'third' }).apply(x) as tfl.SymbolicTensor;
    x = tfl.layers.dense({ units: 4, trainable: false }).apply(x) as tfl.SymbolicTensor;
    x = tfl.layers.dense({ name: 'last', units: 4 }).apply(x) as tfl.SymbolicTensor;
    const model = tfl.model({ inputs: input, outputs: x });
    expect(names(accessModel(model))).toEqual(['fc last/kernel', 'bias last/bias']);
  });

  it('lists a shared layer once and looks into nested models, but not into frozen ones', () => {
    const shared = tfl.layers.dense({ name: 'shared', units: 3, inputShape: [3] });
    const nested = tfl.sequential({ name: 'nested', layers: [shared] });
    const frozen = tfl.sequential({
      name: 'frozen',
      layers: [tfl.layers.dense({ name: 'still', units: 3, inputShape: [3] })],
    });
    frozen.trainable = false;
    const input = tfl.input({ shape: [3] });
    let x = shared.apply(input) as tfl.SymbolicTensor;
    x = nested.apply(x) as tfl.SymbolicTensor;
    x = shared.apply(x) as tfl.SymbolicTensor;
    x = frozen.apply(x) as tfl.SymbolicTensor;
    const model = tfl.model({ inputs: input, outputs: x });
    expect(names(accessModel(model))).toEqual(['fc shared/kernel', 'bias shared/bias']);
  });

  it('takes only the kinds and layers that it is asked for', () => {
    const model = tfl.sequential({
      layers: [tfl.layers.dense({ name: 'a', units: 2, inputShape: [2] }), tfl.layers.dense({ name: 'b', units: 2 })],
    });
    expect(names(accessModel(model, { kinds: ['bias'] }))).toEqual(['bias a/bias', 'bias b/bias']);
    expect(names(accessModel(model, { layers: ({ name }) => name === 'b' }))).toEqual(['fc b/kernel', 'bias b/bias']);
  });

  it('reads and writes in bulk without keeping the caller’s array or leaking tensors', async () => {
    const model = tfl.sequential({
      layers: [
        tfl.layers.dense({ units: 3, inputShape: [2], biasConstraint: 'nonNeg' }),
        tfl.layers.dense({ units: 1 }),
      ],
    });
    const tracked = accessModel(model);
    const before = tf.memory().numTensors;
    const values = Float32Array.from({ length: tracked.size }, (_, i) => i - 11);
    tracked.write(values);
    const written = Float32Array.from(values);
    values.fill(99);
    const read = new Float32Array(tracked.size);
    await tracked.read(read);
    const begin = tracked.tensors.find(({ kind }) => kind === 'bias')!.offset;
    for (let i = begin; i < begin + 3; i++) written[i] = Math.max(0, written[i]);
    expect(read).toEqual(written);
    expect(tf.memory().numTensors).toBe(before);
  });
});
