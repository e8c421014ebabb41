// WNN+ through every stage: samples, training, files and nowcasts, each against a float64 calculation of its own.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { loadNowcaster } from '../../../src/callback/node.js';
import { createGenericCompute } from '../../../src/compute/genericCompute.js';
import { buildDataset } from '../../../src/dataset/index.js';
import { exportNowcaster } from '../../../src/export/index.js';
import { initParameters } from '../../../src/network/init.js';
import type { NowcasterSpec } from '../../../src/network/spec.js';
import { forecast } from '../../../src/nowcaster/forecast.js';
import { networkOf } from '../../../src/nowcaster/spec.js';
import { Random } from '../../../src/random.js';
import { readDatasetManifest, readShard } from '../../../src/samples/index.js';
import { trainNowcaster } from '../../../src/train/index.js';
import { ROLES, roleOf } from '../../../src/windows/inputs/role.js';
import { makeStore, type RunSketch, TENSORS, valuesOf } from '../../dataset/stores.js';

const WIDTH = 8;
const LENGTH = 4;
const HORIZONS = [1, 3];
const SPEC: NowcasterSpec = {
  family: 'wnn-plus',
  inputLength: LENGTH,
  horizons: HORIZONS,
  normalization: 'tensor',
  residual: true,
  config: { width: WIDTH },
};

const root = mkdtempSync(join(tmpdir(), 'wnn-plus-'));
afterAll(() => rmSync(root, { recursive: true }));
beforeAll(() => tf.setBackend('cpu'));

interface Tensor {
  name: string;
  kind: string;
  shape: readonly number[];
}

/** Inputs of every scalar of a tensor, by the formulas of the documentation. `window[i][j]`: snapshot i, scalar j. */
function inputsByHand(tensor: Tensor, window: readonly (readonly number[])[]) {
  const dot = (a: number[], b: number[]) => a.reduce((sum, x, i) => sum + x * b[i], 0);
  const minus = (a: readonly number[], b: readonly number[]) => a.map((x, i) => x - b[i]);
  const steps = window.slice(1).map((values, i) => minus(values, window[i]));
  const size = window[0].length;
  const last = window[window.length - 1];
  const meanSquare = steps.reduce((sum, step) => sum + dot(step, step), 0) / steps.length;
  const scale = Math.sqrt(meanSquare / size) + 1e-8;
  const valueRms = Math.sqrt(dot([...last], [...last]) / size);
  const whole = minus(last, window[0]);
  const straightness = dot(whole, whole) / (steps.length ** 2 * meanSquare);
  let agreement = 0;
  for (let i = 1; i < steps.length; i++) agreement += dot(steps[i], steps[i - 1]) / (steps.length - 1) / meanSquare;
  const log = (x: number) => Math.log10(x + 1e-8) / 5;
  const role = ROLES.map((name) => (name === roleOf(tensor) ? 1 : 0));
  return last.map((value, j) => ({
    scale,
    window: window.map((values) => (values[j] - window[0][j]) / scale),
    context: [
      Math.max(-5, Math.min(5, value / (valueRms + 1e-8))),
      log((scale - 1e-8) / (valueRms + 1e-8)),
      straightness,
      agreement,
      log(size),
      j / size,
    ],
    role,
  }));
}

/** The network by hand, in float64. */
function outputsByHand(parameters: Float32Array, { window, context, role }: ReturnType<typeof inputsByHand>[number]) {
  let at = 0;
  const dense = (x: number[], units: number) => {
    const kernel = parameters.subarray(at, at + x.length * units);
    const bias = parameters.subarray(at + x.length * units, at + (x.length + 1) * units);
    at += (x.length + 1) * units;
    return Array.from(bias, (b, u) => x.reduce((sum, value, i) => sum + value * kernel[i * units + u], b));
  };
  const relu = (x: number[]) => x.map((value) => Math.max(0, value));
  const differences = window.slice(1).map((value, i) => value - window[i]);
  const hidden = relu(dense(relu(dense([...differences, ...context, ...role], WIDTH)), WIDTH));
  return dense([...hidden, ...differences], HORIZONS.length);
}

/** Snapshots of two tensors of one kind behind one another. */
function drawHistory(tensors: readonly (Tensor & { size: number })[]) {
  const random = new Random(11);
  const size = tensors.reduce((sum, tensor) => sum + tensor.size, 0);
  const values = Array.from({ length: size }, () => random.normal());
  return Array.from({ length: LENGTH }, () =>
    Float32Array.from(values, (_, i) => (values[i] += 0.1 * random.normal())),
  );
}

test('a forecast is the scaled output of the network on inputs of the whole tensor', async () => {
  const tensors = [
    { name: 'a/kernel', kind: 'fc', shape: [5, 4], offset: 0, size: 20 },
    { name: 'gru/recurrent_kernel', kind: 'fc', shape: [3, 9], offset: 20, size: 27 },
  ];
  const history = drawHistory(tensors);
  const parameters = initParameters(networkOf(SPEC), 3);
  // The head begins near zero; make it count.
  for (let i = 0; i < parameters.length; i++) parameters[i] += 0.05 * Math.sin(i);
  for (const [index, horizon] of HORIZONS.entries()) {
    const out = history[0].slice();
    const aliased = [out, ...history.slice(1)];
    await forecast(createGenericCompute(SPEC), parameters, aliased, out, { horizon, tensors });
    for (const tensor of tensors) {
      const window = history.map((values) => [...values.subarray(tensor.offset, tensor.offset + tensor.size)]);
      for (const [j, inputs] of inputsByHand(tensor, window).entries()) {
        const expected = window[LENGTH - 1][j] + outputsByHand(parameters, inputs)[index] * inputs.scale;
        expect(Math.abs(out[tensor.offset + j] - expected)).toBeLessThan(3e-6 * (1 + Math.abs(expected)));
      }
    }
  }
});

test('without the tensors a forecast is refused', async () => {
  const history = Array.from({ length: LENGTH }, () => new Float32Array(3));
  const run = forecast(createGenericCompute(SPEC), initParameters(networkOf(SPEC), 3), history, new Float32Array(3), {
    horizon: 1,
  });
  await expect(run).rejects.toThrow(/no tensors for 3 values/);
});

test('samples hold the inputs and targets of the drawn scalars, also of weights that rest', async () => {
  const runs: RunSketch[] = ['a', 'b'].map((id) => ({
    id,
    epochs: LENGTH + 3,
    // One weight that never moves, in a tensor that does.
    touch: (value, _epoch, tensor, scalar) => (tensor === 'dense/kernel' && scalar === 7 ? 0.25 : value),
  }));
  await makeStore(join(root, 'store'), runs);
  const out = join(root, 'samples');
  await buildDataset({
    stores: join(root, 'store'),
    out,
    family: 'wnn-plus',
    inputLength: LENGTH,
    horizons: HORIZONS,
    threads: 0,
    validationShare: 0.5,
  });
  const manifest = readDatasetManifest(out);
  expect(manifest).toMatchObject({ normalization: 'tensor', inputs: ['window', 'context', 'role'] });
  const t = TENSORS.findIndex(({ name }) => name === 'dense/kernel');
  const expected = new Map<string, number[]>();
  for (const run of runs) {
    const values = valuesOf(run).map((epoch) => [...epoch[t]]);
    const window = values.slice(0, LENGTH);
    const future = HORIZONS.map((h) => values[LENGTH - 1 + h]);
    for (const [j, { scale, window: x, context, role }] of inputsByHand(TENSORS[t], window).entries()) {
      const targets = future.map((later) => (later[j] - window[LENGTH - 1][j]) / scale);
      expected.set(`${run.id} ${context[5].toFixed(6)}`, [...x, ...context, ...role, ...targets]);
    }
  }
  let found = 0;
  for (const { shards } of Object.values(manifest.kinds.fc?.splits ?? {}))
    for (const { file } of shards) {
      const columns = [
        { name: 'context', width: 6 },
        { name: 'role', width: ROLES.length },
      ];
      const shard = await readShard(join(out, file), { inputs: columns });
      const rowOf = (values: Float32Array, width: number, row: number) =>
        values.subarray(row * width, (row + 1) * width);
      for (let row = 0; row < shard.count; row++) {
        const context = rowOf(shard.inputs.context, 6, row);
        const actual = [
          ...rowOf(shard.windows, LENGTH, row),
          ...context,
          ...rowOf(shard.inputs.role, ROLES.length, row),
          ...rowOf(shard.targets, HORIZONS.length, row),
        ];
        const wanted = expected.get(`${shard.runIds[shard.runs[row]]} ${context[5].toFixed(6)}`) ?? [];
        expect(actual.length).toBe(wanted.length);
        for (const [i, value] of actual.entries()) expect(value).toBeCloseTo(wanted[i], 4);
        found++;
      }
    }
  expect(found).toBe(2 * 160);
});

test('it is trained, exported and loaded, and a straight line is forecast better than no change', async () => {
  const runs: RunSketch[] = ['c', 'd', 'e'].map((id) => ({ id, epochs: 12 }));
  await makeStore(join(root, 'lines'), runs);
  const samples = join(root, 'lineSamples');
  await buildDataset({
    stores: join(root, 'lines'),
    out: samples,
    family: 'wnn-plus',
    inputLength: LENGTH,
    horizons: HORIZONS,
    threads: 0,
  });
  const training = join(root, 'training');
  const { record } = await trainNowcaster({
    samples,
    out: training,
    family: 'wnn-plus',
    config: { width: WIDTH },
    kinds: ['fc'],
    epochs: 4,
    batchSize: 128,
    learningRate: 0.005,
    loss: 'mse',
  });
  const fc = record.kinds.fc?.validation;
  expect(fc?.network).toBeLessThan(fc?.noChange as number);
  await exportNowcaster({ from: training, to: join(root, 'weights'), kinds: ['fc'], formats: ['safetensors', 'onnx'] });
  const loaded = await loadNowcaster(join(root, 'weights'));
  expect(loaded.spec).toEqual({ ...SPEC });
  expect(loaded.parameters.fc?.length).toBe(17 * WIDTH + WIDTH + WIDTH * WIDTH + WIDTH + (WIDTH + 3) * 2 + 2);
});
