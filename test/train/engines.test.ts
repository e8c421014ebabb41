// The same training on each engine that opens here: the losses must be the same, step by step.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { type EngineName, openEngine } from '../../src/engine/engine.js';
import { EngineUnavailableError } from '../../src/errors.js';
import { type MetricsLine, type TrainOptions, trainNowcaster } from '../../src/train/index.js';
import { webgpuAbsence } from '../engine/webgpu/swiftShader.js';
import { makeDirectory, writeSamples } from './fixtures.js';

// Each takes a twentieth of a second on a GPU in software. scripts/verify-engines.mjs trains 200.
const STEPS = 60;
// Losses are told as means of so many steps.
const TOLD = 5;

let dir: string;
let dispose: () => void;
let wasm: number[];

async function train(out: string, options: Partial<TrainOptions>): Promise<number[]> {
  const losses: number[] = [];
  await trainNowcaster({
    samples: join(dir, 'samples'),
    out: join(dir, out),
    kinds: ['fc'],
    batchSize: 32,
    steps: STEPS,
    validationSteps: TOLD,
    learningRate: 0.003,
    seed: 3,
    onMetrics: (_, { trainLoss }: MetricsLine) => losses.push(trainLoss),
    ...options,
  });
  return losses;
}

function expectSame(losses: number[]): void {
  expect(losses).toHaveLength(STEPS / TOLD);
  const worst = losses.reduce((most, loss, step) => Math.max(most, Math.abs(loss - wasm[step])), 0);
  expect(worst).toBeLessThan(1e-3);
}

/** Why an engine cannot be tested here; null when it can. */
async function absenceOf(name: EngineName): Promise<string | null> {
  try {
    await openEngine(name);
    return null;
  } catch (error) {
    if (!(error instanceof EngineUnavailableError)) throw error;
    return error.message;
  }
}

const tensorflowAbsence = await absenceOf('tensorflow');
if (tensorflowAbsence !== null) console.warn(`tensorflow is not tested: ${tensorflowAbsence}`);

beforeAll(async () => {
  ({ dir, dispose } = makeDirectory());
  writeSamples(join(dir, 'samples'));
  wasm = await train('wasm', { engine: 'wasm', threads: 1 });
});
afterAll(() => dispose());

describe('60 steps from one seed', () => {
  test('lower the loss on wasm', () => {
    expect(wasm).toHaveLength(STEPS / TOLD);
    expect(wasm.at(-1)).toBeLessThan(0.7 * wasm[0]);
  });

  test.skipIf(tensorflowAbsence !== null)('go the same way on tensorflow', async () => {
    expectSame(await train('tensorflow', { engine: 'tensorflow' }));
  });

  test.skipIf(webgpuAbsence !== null)('go the same way on webgpu', async () => {
    expectSame(await train('webgpu', { engine: 'webgpu' }));
  });

  test('are kept when they are to be done anew and the engine does not open', async () => {
    const paths = ['train.json', 'fc/checkpoint.safetensors', 'fc/metrics.jsonl'].map((name) =>
      join(dir, 'wasm', name),
    );
    const before = paths.map((path) => readFileSync(path));
    const openCompute = () => Promise.reject(new EngineUnavailableError({ what: 'no', where: 'GPU', remedy: 'none' }));
    await expect(train('wasm', { resume: false, openCompute })).rejects.toThrow(EngineUnavailableError);
    expect(paths.map((path) => readFileSync(path))).toEqual(before);
  });

  // The last: it takes the device away.
  test.skipIf(webgpuAbsence !== null)('are gone on with after the GPU was lost', async () => {
    await openEngine('webgpu');
    const { device } = tf.backend() as tf.KernelBackend & { device: GPUDevice };
    let steps = 0;
    const lost = train('lost', {
      engine: 'webgpu',
      checkpointSeconds: 0,
      onMetrics: () => {
        if (++steps === 3) device.destroy();
      },
    });
    await expect(lost).rejects.toThrow(/the GPU was lost .*; start the command again: it goes on from the last/);
    const lines = readFileSync(join(dir, 'lost', 'fc', 'metrics.jsonl'), 'utf8')
      .trimEnd()
      .split('\n').length;
    expect(lines).toBeGreaterThanOrEqual(2);
    const rest = await train('lost', { engine: 'wasm', threads: 1 });
    expect(rest.length).toBeGreaterThanOrEqual(STEPS / TOLD - 3);
    expect(Math.abs(rest.at(-1)! - wasm.at(-1)!)).toBeLessThan(1e-3);
  });
});
