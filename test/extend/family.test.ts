// Families from outside of src/: a linear map of the window through every stage and format, and one with a further input.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { loadNowcaster, WeightForecasting } from '../../src/callback/node.js';
import { accessModel } from '../../src/callback/trackedTensors.js';
import { createDefaultCompute } from '../../src/compute/defaultCompute.js';
import { buildDataset } from '../../src/dataset/index.js';
import { exportNowcaster, exportPackage, readH5 } from '../../src/export/index.js';
import type { Family } from '../../src/families/family.js';
import { registerFamily } from '../../src/families/index.js';
import type { Nowcaster } from '../../src/nowcaster/nowcaster.js';
import { decodeWeights } from '../../src/nowcaster/weightsFile.js';
import { Random } from '../../src/random.js';
import { readDatasetManifest, readShard } from '../../src/samples/index.js';
import { trainNowcaster } from '../../src/train/index.js';
import { registerWindowInput } from '../../src/windows/inputs/index.js';
import { makeStore, type RunSketch, valuesOf } from '../dataset/stores.js';
import { decodeOnnx, evaluateOnnx } from '../export/evaluateOnnx.js';
import { findPython } from '../python.js';
import { writeSamples } from '../train/fixtures.js';
import { preloaded } from './preloaded.js';

const linear: Family = {
  id: 'linear-map',
  description: 'a linear map of the window',
  defaultConfig: {},
  graph: ({ horizons }) => [
    { op: 'input', name: 'window', input: 'window' },
    { op: 'dense', name: 'head', of: 'window', units: horizons.length },
  ],
};

/** The linear map, and relu of the scalar's place in its tensor. */
const placed: Family = {
  id: 'placed',
  description: 'a linear map of the window and the place of the scalar in its tensor',
  defaultConfig: {},
  inputs: ['window', 'place'],
  graph: ({ horizons }) => [
    { op: 'input', name: 'values', input: 'window' },
    { op: 'input', name: 'place', input: 'place' },
    { op: 'concat', name: 'both', of: ['values', 'place'] },
    { op: 'dense', name: 'head', of: 'both', units: horizons.length },
  ],
};

registerFamily(linear);
registerWindowInput({
  name: 'place',
  width: () => 1,
  fill({ tensor, positions, count }, rows, offset, stride) {
    const size = tensor.shape.reduce((product, length) => product * length, 1);
    for (let j = 0; j < count; j++) rows[offset + j * stride] = positions[j] / size;
  },
});
registerFamily(placed);

const root = mkdtempSync(join(tmpdir(), 'wnn-family-'));
afterAll(() => rmSync(root, { recursive: true }));
const samples = join(root, 'samples');
const training = join(root, 'training');
const weights = join(root, 'weights');

/** The forecast by hand of one scalar: kernel and bias of the one layer, `place` behind the window where it is taken. */
function forecastByHand(parameters: Float32Array, window: number[], further: number[] = []): number {
  const scale = 2 * (Math.max(...window) - Math.min(...window) + 1e-8 + 1e-5);
  const x = [...window.map((w) => (w - window[0]) / scale), ...further];
  const y = x.reduce((sum, value, i) => sum + value * parameters[i], parameters[x.length]);
  return (x[window.length - 1] - 0 + y) * scale + window[0];
}

/** A callback on a model whose weights move at random for as many epochs as a window has; what it was, and became. */
async function nowcastOnce(callback: WeightForecasting) {
  const model = tfl.sequential({ layers: [tfl.layers.dense({ name: 'only', units: 3, inputShape: [4] })] });
  model.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
  const tracked = accessModel(model);
  const random = new Random(5);
  const snapshots = Array.from({ length: 5 }, (_, e) =>
    Float32Array.from({ length: tracked.size }, (_, i) => 0.1 * i + 0.03 * e * random.normal()),
  );
  callback.setModel(model);
  await callback.onTrainBegin();
  for (const [epoch, values] of snapshots.entries()) {
    await callback.onEpochBegin();
    tracked.write(values);
    await callback.onEpochEnd(epoch);
  }
  await callback.onEpochBegin();
  const after = new Float32Array(tracked.size);
  await tracked.read(after);
  return { tracked, snapshots, after };
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  writeSamples(samples, { train: [3000], val: [500] });
  await trainNowcaster({
    samples,
    out: training,
    family: 'linear-map',
    epochs: 20,
    batchSize: 128,
    learningRate: 0.01,
  });
  await exportNowcaster({ from: training, to: weights, formats: ['h5', 'safetensors', 'onnx'] });
});

describe('a linear map of the window', () => {
  it('is trained on TensorFlow.js, below no change, and named in every manifest', async () => {
    const record = JSON.parse(readFileSync(join(training, 'train.json'), 'utf8'));
    expect(record.spec).toMatchObject({ family: 'linear-map', config: {} });
    for (const kind of ['conv', 'fc', 'bias'])
      expect(record.kinds[kind].validation.network).toBeLessThan(0.8 * record.kinds[kind].validation.noChange);
    expect((await loadNowcaster(weights)).spec).toEqual(record.spec);
  });

  it('has the same parameters and outputs in every format', async () => {
    const { parameters } = (await loadNowcaster(weights)) as Nowcaster;
    const window = [0, 0.1, -0.2, 0.3, 0.4];
    for (const [kind, name] of [
      ['conv', 'Conv'],
      ['fc', 'FC'],
      ['bias', 'Bias'],
    ] as const) {
      const flat = parameters[kind] as Float32Array;
      expect(flat.length).toBe(6);
      const expected = window.reduce((sum, x, i) => sum + x * flat[i], flat[5]);
      const path = (extension: string) => join(weights, `NWNN_${name}_weights.${extension}`);
      expect(decodeWeights(readFileSync(path('safetensors')), 'file').parameters).toEqual(flat);
      const read = await readH5(path('h5'));
      expect(read.spec.family).toBe('linear-map');
      expect(read.parameters).toEqual(flat);
      const model = decodeOnnx(readFileSync(path('onnx')));
      expect(model.graph.input[0].name).toBe('window');
      expect(evaluateOnnx(model, { rows: 1, columns: 5, data: window }).data[0]).toBeCloseTo(expected, 6);
      const json = JSON.parse(readFileSync(join(weights, `tfjs/${kind}/model.json`), 'utf8'));
      const layers = await tfl.loadLayersModel({
        load: async () => ({
          modelTopology: json.modelTopology,
          weightSpecs: json.weightsManifest[0].weights,
          weightData: new Uint8Array(readFileSync(join(weights, `tfjs/${kind}/weights.bin`))).buffer,
        }),
      });
      expect((layers.predict(tf.tensor2d([window])) as tf.Tensor).dataSync()[0]).toBeCloseTo(expected, 6);
    }
  });

  const python = findPython('numpy');

  it.skipIf(python === undefined)('forecasts the same in Python (skipped without numpy)', async () => {
    const made = join(root, 'python');
    await exportPackage({ format: 'python', from: training, to: made, name: 'linear' });
    const { parameters } = await loadNowcaster(weights);
    const window = [0.5, 0.52, 0.49, 0.55, 0.56];
    const code = `from linear.numpy import forecast; print(float(forecast('fc', ${JSON.stringify(window)})))`;
    const printed = Number(execFileSync(python as string, ['-c', code], { cwd: made, encoding: 'utf8' }));
    expect(printed).toBeCloseTo(forecastByHand(parameters.fc as Float32Array, window), 6);
  });

  it('is applied by the callback', async () => {
    const { spec, parameters } = await loadNowcaster(weights);
    const { tracked, snapshots, after } = await nowcastOnce(
      new WeightForecasting({ spec, parameters }, { compute: createDefaultCompute }),
    );
    for (const { kind, offset, size } of tracked.tensors)
      for (let i = offset; i < offset + size; i++) {
        const window = snapshots.map((values) => values[i]);
        expect(after[i]).toBeCloseTo(forecastByHand(parameters[kind] as Float32Array, window), 5);
      }
  });

  it('is added to every command by a module that Node preloads', () => {
    const run = preloaded('./linearFamily.mjs');
    const out = join(root, 'cli');
    const { record } = run('train', samples, '--out', out, '--family', 'linear-map', '--kind', 'fc', '--epochs', '1');
    expect(record.spec.family).toBe('linear-map');
    run('export', '--from', out, '--to', join(root, 'cliWeights'), '--kind', 'fc');
    expect(existsSync(join(root, 'cliWeights/NWNN_FC_cliWeights.h5'))).toBe(true);
  });
});

describe('a family with a further input', () => {
  const store = join(root, 'store');
  const built = join(root, 'placed');

  const runs: RunSketch[] = ['a', 'b', 'c'].map((id) => ({ id, epochs: 14 }));

  beforeAll(() => makeStore(store, runs));

  it('gets a column of it in the samples, which holds what the input says of each scalar', async () => {
    await buildDataset({ stores: store, out: built, family: 'placed', threads: 0, scalarsPerTensor: 3 });
    const manifest = readDatasetManifest(built);
    expect(manifest).toMatchObject({ family: 'placed', inputs: ['window', 'place'] });
    const { file } = manifest.kinds.fc!.splits.train.shards[0];
    const shard = await readShard(join(built, file), { inputs: [{ name: 'place', width: 1 }] });
    const places = new Set(shard.inputs.place);
    // Three scalars are drawn from the one tensor of 160 values of each of two runs.
    expect(places.size).toBeGreaterThan(3);
    for (let j = 0; j < shard.count; j++) {
      const run = runs.find(({ id }) => id === shard.runIds[shard.runs[j]]) as RunSketch;
      const scalar = Math.round(shard.inputs.place[j] * 160);
      const curve = valuesOf(run).map((tensors) => tensors[3][scalar]);
      const window = shard.windows.subarray(5 * j, 5 * j + 5);
      const starts = [...curve.keys()].filter((start) =>
        Array.from(window).every((x, i) => Math.abs(curve[start] + x * shard.scales[j] - curve[start + i]) < 1e-6),
      );
      expect(starts.length, `sample ${j}`).toBeGreaterThan(0);
    }
  });

  it('learns from it and gets it from the callback', async () => {
    const out = join(root, 'placedTraining');
    await trainNowcaster({ samples: built, out, kinds: ['fc'], epochs: 3 });
    const { spec, parameters } = decodeWeights(readFileSync(join(out, 'fc/best.safetensors')), 'best');
    expect(parameters.length).toBe(7);
    parameters[5] = 0.25;
    const { tracked, snapshots, after } = await nowcastOnce(
      new WeightForecasting({ spec, parameters: { fc: parameters } }, { compute: createDefaultCompute }),
    );
    const [{ offset, size }] = tracked.tensors;
    for (let i = 0; i < size; i++) {
      const window = snapshots.map((values) => values[offset + i]);
      expect(after[offset + i]).toBeCloseTo(forecastByHand(parameters, window, [i / size]), 5);
    }
  });

  it('is refused as a Python package, which does not know it', async () => {
    const from = join(root, 'placedTraining');
    const made = exportPackage({ format: 'python', from, to: join(root, 'refused'), name: 'placed', kinds: ['fc'] });
    await expect(made).rejects.toThrow(
      /^the Python package does not compute the input place: family placed; export a family that takes window, context, role/,
    );
  });

  it('is not trained on samples without it', async () => {
    await expect(trainNowcaster({ samples, out: join(root, 'none'), family: 'placed' })).rejects.toThrow(
      /samples without place, which family placed takes: .*dataset\.json; build them with wnn dataset --family placed/,
    );
  });
});
