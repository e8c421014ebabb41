// Normalizations and embeddings through every stage: recorded, sampled, trained on, exported, and nowcast by the callback.

import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { type Nowcast, WeightForecasting } from '../../src/callback/index.js';
import { loadNowcaster } from '../../src/callback/node.js';
import { TrajectoryRecorder } from '../../src/collect/index.js';
import { createGenericCompute } from '../../src/compute/genericCompute.js';
import { buildDataset } from '../../src/dataset/index.js';
import { exportNowcaster, exportPackage, readH5 } from '../../src/export/index.js';
import { forecast } from '../../src/nowcaster/forecast.js';
import { Random } from '../../src/random.js';
import { trainNowcaster } from '../../src/train/index.js';
import { readManifest } from '../../src/trajectory/runReader.js';

const root = mkdtempSync(join(tmpdir(), 'wnn-kinds-'));
afterAll(() => rmSync(root, { recursive: true }));
const store = join(root, 'store');
const samples = join(root, 'samples');
const training = join(root, 'training');
const weights = join(root, 'weights');

function makeModel(seed: number): tfl.Sequential {
  const initializer = tfl.initializers.glorotUniform({ seed });
  const model = tfl.sequential({
    layers: [
      tfl.layers.embedding({
        name: 'words',
        inputDim: 12,
        outputDim: 3,
        inputLength: 4,
        embeddingsInitializer: initializer,
      }),
      tfl.layers.flatten(),
      tfl.layers.batchNormalization({ name: 'post' }),
      tfl.layers.dense({ name: 'head', units: 2, kernelInitializer: initializer }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.05), loss: 'meanSquaredError' });
  return model;
}

function trainModel(
  model: tfl.LayersModel,
  epochs: number,
  seed: number,
  callback: tfl.Callback,
): Promise<tfl.History> {
  const random = new Random(seed);
  const x = tf.tensor2d(Array.from({ length: 32 }, () => Array.from({ length: 4 }, () => random.below(12))));
  const y = tf.tensor2d(Array.from({ length: 32 }, () => [random.normal(), random.normal()]));
  return model.fit(x, y, { epochs, batchSize: 8, shuffle: false, verbose: 0, callbacks: [callback] });
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  for (const seed of [1, 2, 3]) {
    const recorder = new TrajectoryRecorder({ store, id: `run-${seed}`, architecture: 'words' });
    await trainModel(makeModel(seed), 14, seed, recorder);
  }
  await buildDataset({ stores: store, out: samples, kinds: ['norm', 'embedding'], threads: 0 });
  await trainNowcaster({ samples, out: training, epochs: 1, batchSize: 64 });
});

describe('a nowcaster of normalizations and embeddings', () => {
  it('is recorded by kind, statistics apart, and trained on the samples of these kinds alone', async () => {
    const kinds = readManifest(join(store, 'run=run-1')).tensors.map(({ name, kind }) => `${name}: ${kind}`);
    expect(kinds).toEqual([
      'words/embeddings: embedding',
      'post/gamma: norm',
      'post/beta: norm',
      'post/moving_mean: statistics',
      'post/moving_variance: statistics',
      'head/kernel: fc',
      'head/bias: bias',
    ]);
    expect(existsSync(join(training, 'norm/best.safetensors'))).toBe(true);
    expect(existsSync(join(training, 'conv'))).toBe(false);
    await expect(trainNowcaster({ samples, out: join(root, 'fc'), kinds: ['fc'] })).rejects.toThrow(
      /^samples of norm, embedding, not of kind fc: .*; build them with wnn dataset --kind fc norm embedding$/,
    );
  });

  it('is exported where its kinds are named, in every format', async () => {
    await expect(exportNowcaster({ from: training, to: join(root, 'all') })).rejects.toThrow(
      /^no network for the conv kind: .*\(--kind norm embedding\)$/,
    );
    const kinds = ['norm', 'embedding'] as const;
    await exportNowcaster({ from: training, to: weights, kinds, formats: ['h5', 'safetensors', 'onnx'] });
    const { parameters } = await loadNowcaster(weights);
    expect(Object.keys(parameters)).toEqual(['norm', 'embedding']);
    for (const [kind, name] of [
      ['norm', 'Norm'],
      ['embedding', 'Embedding'],
    ] as const) {
      expect((await readH5(join(weights, `NWNN_${name}_weights.h5`))).parameters).toEqual(parameters[kind]);
      expect(existsSync(join(weights, `NWNN_${name}_weights.onnx`))).toBe(true);
      expect(existsSync(join(weights, `tfjs/${kind}/model.json`))).toBe(true);
    }
    const again = join(root, 'again');
    await exportNowcaster({
      from: kinds.map((kind) => join(weights, `NWNN_${kind === 'norm' ? 'Norm' : 'Embedding'}_weights.h5`)),
      to: again,
      kinds,
    });
    expect((await loadNowcaster(again)).parameters).toEqual(parameters);
    for (const format of ['npm', 'python'] as const) {
      const made = await exportPackage({ format, from: weights, to: join(root, format), name: 'words', kinds });
      expect(made.written).toBe(true);
    }
  });

  it('nowcasts scale, offset and embeddings in training, and leaves statistics and kernels alone', async () => {
    const { spec, parameters } = await loadNowcaster(weights);
    const nowcasts: Nowcast[] = [];
    const forecasting = new WeightForecasting(
      { spec, parameters },
      { compute: createGenericCompute, onNowcast: (nowcast) => void nowcasts.push(nowcast) },
    );
    const model = makeModel(9);
    const read = () => Promise.all(model.getWeights().map((weight) => weight.data() as Promise<Float32Array>));
    const seen: Float32Array[][] = [];
    const watcher = new (class extends tfl.Callback {
      override async onEpochEnd() {
        seen.push((await read()).map((values) => values.slice()));
      }
    })();
    await trainModel(model, 5, 4, watcher);
    forecasting.setModel(model);
    await forecasting.onTrainBegin();
    for (const [epoch, values] of seen.entries()) {
      await forecasting.onEpochBegin();
      model.setWeights(model.getWeights().map((weight, i) => tf.tensor(values[i], weight.shape)));
      await forecasting.onEpochEnd(epoch);
    }
    await forecasting.onEpochBegin();
    expect(nowcasts[0]).toMatchObject({ outcome: 'kept', scalars: { norm: 24, embedding: 36 } });
    const after = await read();
    const compute = await createGenericCompute(spec);
    const names = model.weights.map(({ originalName }) => originalName);
    for (const [i, name] of names.entries()) {
      const history = seen.map((values) => values[i]);
      const expected = history[4].slice();
      const kind = /gamma|beta/.test(name) ? 'norm' : /embeddings/.test(name) ? 'embedding' : null;
      if (kind !== null) await forecast(compute, parameters[kind]!, history, expected);
      expect(after[i], name).toEqual(expected);
    }
    await compute.dispose();
  });
});
