import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { historyEpochs, IntrospectionForecasting } from '../../../src/evaluate/methods/introspection/callback.js';
import {
  forecastIntrospection,
  INTROSPECTION_SIZE,
  type IntrospectionSamples,
  initIntrospection,
  introspectionLoss,
  trainIntrospection,
} from '../../../src/evaluate/methods/introspection/network.js';
import {
  collectIntrospectionSamples,
  introspectionPath,
  prepareIntrospection,
  readIntrospection,
} from '../../../src/evaluate/methods/introspection/prepare.js';
import { introspection } from '../../../src/evaluate/methods/introspection.js';
import { Random } from '../../../src/random.js';
import { RunWriter } from '../../../src/trajectory/runWriter.js';

const directory = mkdtempSync(join(tmpdir(), 'wnn-introspection-'));
afterAll(() => rmSync(directory, { recursive: true }));
beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Weights that go from a to b as 1 - e^(-t / 12). */
function settle(t: number, a: number, b: number): number {
  return a + (b - a) * (1 - Math.exp(-t / 12));
}

function drawSamples(count: number): IntrospectionSamples {
  const random = new Random(4);
  const histories = new Float32Array(4 * count);
  const futures = new Float32Array(count);
  for (let i = 0; i < count; i++) {
    const [a, b] = [0.1 * random.normal(), 0.1 * random.normal()];
    const t = 5 + random.below(20);
    histories.set(
      historyEpochs(t).map((epoch) => settle(epoch, a, b)),
      4 * i,
    );
    futures[i] = settle(2 * t, a, b);
  }
  return { histories, futures, count };
}

async function record(store: string, id: string, epochs: number): Promise<void> {
  const writer = RunWriter.create(
    store,
    {
      id,
      source: 'zoo',
      task: null,
      architecture: null,
      optimizer: null,
      hyperparameters: {},
      seed: 1,
      engine: null,
      epochsPlanned: epochs,
    },
    [
      { name: 'a/kernel', kind: 'conv', shape: [1, 2, 2] },
      { name: 'a/gamma', kind: 'norm', shape: [2] },
      { name: 'a/bias', kind: 'bias', shape: [3] },
    ],
  );
  for (let epoch = 0; epoch < epochs; epoch++)
    await writer.append({
      epoch,
      values: [
        Float32Array.from({ length: 4 }, (_, i) => i + epoch / 100),
        Float32Array.of(50, 50),
        Float32Array.from({ length: 3 }, (_, i) => 10 + i - epoch / 100),
      ],
      metrics: {},
    });
  await writer.finish('complete');
}

describe('the introspection network', () => {
  it('has gradients that agree with finite differences', () => {
    const samples = drawSamples(10);
    const parameters = initIntrospection(1).map((value, i) => value + 0.01 * Math.sin(i));
    const chosen = Uint32Array.of(0, 3, 7);
    const gradients = new Float64Array(INTROSPECTION_SIZE);
    introspectionLoss(parameters, samples, chosen, gradients);
    const scratch = new Float64Array(INTROSPECTION_SIZE);
    for (const i of new Random(2).sample(INTROSPECTION_SIZE, 60)) {
      const at = (step: number) => {
        const moved = parameters.slice();
        moved[i] += step;
        return introspectionLoss(moved, samples, chosen, scratch);
      };
      expect(gradients[i]).toBeCloseTo((at(1e-6) - at(-1e-6)) / 2e-6, 3);
    }
  });

  it('learns where settling weights will be at twice the time, far better than no change', async () => {
    const samples = drawSamples(4000);
    const parameters = await trainIntrospection(samples, { seed: 1, steps: 3000 });
    const columns = [0, 1, 2, 3].map((k) => samples.histories.filter((_, i) => i % 4 === k));
    const out = new Float32Array(samples.count);
    forecastIntrospection(parameters, columns, out);
    const error = (values: Float32Array) =>
      values.reduce((sum, value, i) => sum + Math.abs(value - samples.futures[i]), 0) / samples.count;
    expect(error(out)).toBeLessThan(0.4 * error(columns[0]));
    const again = await trainIntrospection(samples, { seed: 1, steps: 400 });
    expect(again).toEqual(await trainIntrospection(samples, { seed: 1, steps: 400 }));
  });
});

describe('preparing introspection', () => {
  it('takes kernels and biases of every epoch whose double was recorded', async () => {
    const store = join(directory, 'store');
    await record(store, 'long', 13);
    await record(store, 'short', 10);
    const { histories, futures, count } = await collectIntrospectionSamples(store);
    // Epochs 5 and 6 of the long run, four kernel values and three biases each.
    expect(count).toBe(14);
    for (let i = 0; i < count; i++) {
      const [now, late, early, first] = histories.slice(4 * i, 4 * i + 4);
      const isBias = first >= 10;
      const t = Math.round(Math.abs(now - first) * 100);
      const rate = isBias ? -0.01 : 0.01;
      expect([5, 6]).toContain(t);
      expect(late).toBeCloseTo(first + rate * Math.round(0.7 * t), 5);
      expect(early).toBeCloseTo(first + rate * Math.round(0.4 * t), 5);
      expect(futures[i]).toBeCloseTo(first + rate * 2 * t, 5);
    }
  });

  it('keeps the network with the results, and takes it from there the next time', async () => {
    const store = join(directory, 'store');
    const method = introspection.parse!(store);
    const out = join(directory, 'out');
    await prepareIntrospection(out, store, method.contentHash, { steps: 200 });
    const path = introspectionPath(out, method.contentHash);
    const before = readFileSync(path, 'utf8');
    rmSync(store, { recursive: true });
    await prepareIntrospection(out, store, method.contentHash, { steps: 200 });
    expect(readFileSync(path, 'utf8')).toBe(before);
    expect(readIntrospection(out, method.contentHash).length).toBe(241);
  });

  it('says when there is too little to learn from', async () => {
    const store = join(directory, 'few');
    await record(store, 'short', 10);
    await expect(collectIntrospectionSamples(store)).rejects.toThrow(/no finished run of 11 epochs or more.*few/);
    expect(() => introspection.parse!(join(directory, 'nowhere'))).toThrow(/no trajectory store/);
  });
});

describe('IntrospectionForecasting', () => {
  it('jumps at its epochs from the values that it saw, and only there', async () => {
    const model = tfl.sequential({ layers: [tfl.layers.dense({ units: 2, inputShape: [3] })] });
    const parameters = Float32Array.from(initIntrospection(3), (value) => value);
    const callback = new IntrospectionForecasting(parameters, [5, 10]);
    callback.setModel(model);
    await callback.onTrainBegin();
    const read = () => model.getWeights().flatMap((weight) => [...weight.dataSync()]);
    const seen: number[][] = [];
    for (let epoch = 0; epoch < 12; epoch++) {
      tf.tidy(() =>
        model.setWeights(model.getWeights().map(({ shape }, k) => tf.fill(shape, 0.01 * epoch * (k === 0 ? 1 : -1)))),
      );
      seen.push(read());
      await callback.onEpochEnd(epoch);
      expect(read()).toEqual(seen[epoch]);
      await callback.onEpochBegin();
      if (epoch !== 5 && epoch !== 10) expect(read()).toEqual(seen[epoch]);
      else {
        const expected = new Float32Array(8);
        forecastIntrospection(
          parameters,
          historyEpochs(epoch).map((e) => Float32Array.from(seen[e])),
          expected,
        );
        for (const [i, value] of read().entries()) expect(value).toBeCloseTo(expected[i], 6);
        expect(read()).not.toEqual(seen[epoch]);
      }
    }
    expect(callback.history).toMatchObject([
      { epoch: 5, outcome: 'kept', scalars: { conv: 0, fc: 6, bias: 2 } },
      { epoch: 10, outcome: 'kept' },
    ]);
  });
});
