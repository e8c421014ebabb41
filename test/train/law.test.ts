// A known law learnt by the fused kernels and by plain float64 loops from the same start: a wrong gradient, a wrong step
// of the optimizer or a wrong penalty would part them.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { createGenericCompute } from '../../src/compute/genericCompute.js';
import { initParameters } from '../../src/network/init.js';
import { networkOf, PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { referenceForward, referenceLossAndGradients } from '../families/wnn/reference.js';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { TrainingRecord } from '../../src/nowcaster/trainingRecord.js';
import { Random } from '../../src/random.js';
import { type MetricsLine, type TrainOptions, trainNowcaster } from '../../src/train/index.js';
import { drawLaw, makeDirectory, writeSamples } from './fixtures.js';

const [TRAIN, VAL, BATCH, EPOCHS, RATE, SEED] = [4000, 1000, 64, 6, 3e-3, 7];
const STEPS = EPOCHS * Math.ceil(TRAIN / BATCH);

let dir: string;
let dispose: () => void;
beforeAll(() => {
  ({ dir, dispose } = makeDirectory());
  writeSamples(join(dir, 'samples'), { kinds: ['fc'], train: [TRAIN], val: [VAL] });
  writeSamples(join(dir, 'quick'), { kinds: ['fc'], train: [TRAIN], val: [8] });
});
afterAll(() => dispose());

/** Mean absolute errors against the law on the held-out samples. */
function measure(parameters: Float32Array | Float64Array): number {
  const { windows, targets } = drawLaw(PAPER_SPEC, VAL, 1, 'fc/val-00000.arrow');
  const outputs = referenceForward(PAPER_SPEC, parameters, windows, VAL);
  return outputs.reduce((sum, output, j) => sum + Math.abs(output - targets[j]), 0) / VAL;
}

/** The whole training again in float64: batches, gradient, penalties, Adam and cosine from their definitions. */
function trainReference(): { losses: number[]; error: number } {
  const { layers, size } = networkOf(PAPER_SPEC);
  const samples = drawLaw(PAPER_SPEC, TRAIN, 1, 'fc/train-00000.arrow');
  const p = Float64Array.from(initParameters(networkOf(PAPER_SPEC), `${SEED}/fc`));
  const [m, v] = [new Float64Array(size), new Float64Array(size)];
  const losses: number[] = [];
  let step = 0;
  for (let epoch = 0; epoch < EPOCHS; epoch++) {
    const order = [...new Random(SEED, 'order', 'fc', epoch, 0).permutation(TRAIN)];
    for (let start = 0; start < TRAIN; start += BATCH) {
      const batch = order.slice(start, start + BATCH);
      const windows = batch.flatMap((n) => [...samples.windows.subarray(5 * n, 5 * n + 5)]);
      const targets = batch.map((n) => samples.targets[n]);
      const { loss, gradients } = referenceLossAndGradients(PAPER_SPEC, p, windows, targets, batch.length, 'mae');
      losses.push(loss);
      for (const { name, kernel, bias, units } of layers)
        if (/_(in|out)$/.test(name))
          for (let i = kernel; i < bias + units; i++) gradients[i] += (i < bias ? 1e-6 : 0.1) * Math.sign(p[i]);
      const rate = (RATE / 2) * (1 + Math.cos((Math.PI * step) / STEPS));
      step++;
      for (let i = 0; i < size; i++) {
        m[i] += 0.1 * (gradients[i] - m[i]);
        v[i] += 0.001 * (gradients[i] ** 2 - v[i]);
        p[i] -= (rate * (m[i] / (1 - 0.9 ** step))) / (Math.sqrt(v[i] / (1 - 0.999 ** step)) + 1e-7);
      }
    }
  }
  return { losses, error: measure(p) };
}

async function train(
  out: string,
  more: Partial<TrainOptions>,
): Promise<{ record: TrainingRecord; metrics: MetricsLine[] }> {
  const { record } = await trainNowcaster({
    samples: join(dir, 'samples'),
    out: join(dir, out),
    kinds: ['fc'],
    batchSize: BATCH,
    epochs: EPOCHS,
    learningRate: RATE,
    seed: SEED,
    ...more,
  });
  const lines = readFileSync(join(dir, out, 'fc/metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n');
  return { record, metrics: lines.map((line): MetricsLine => JSON.parse(line)) };
}

describe('a known law', () => {
  it('is learnt by the wasm kernels and by tfjs as by the float64 reference', async () => {
    const reference = trainReference();
    const { record, metrics } = await train('wasm', { engine: 'wasm', threads: 1 });
    const { noChange, linear, network } = record.kinds.fc!.validation;
    expect(metrics.at(-1)!.validationError / reference.error).toBeGreaterThan(0.97);
    expect(metrics.at(-1)!.validationError / reference.error).toBeLessThan(1.03);
    expect(network).toBeLessThan(0.1 * Math.min(noChange, linear));

    await tf.setBackend('cpu');
    const engines: Record<string, Partial<TrainOptions>> = {
      wasmSteps: { engine: 'wasm', threads: 1 },
      tfjsSteps: { openCompute: async (spec) => createGenericCompute(spec) },
    };
    for (const [name, engine] of Object.entries(engines)) {
      const controller = new AbortController();
      const losses: number[] = [];
      const onMetrics = (_: string, { trainLoss }: MetricsLine) => {
        if (losses.push(trainLoss) === 100) controller.abort();
      };
      const signal = controller.signal;
      await expect(
        train(name, { ...engine, samples: join(dir, 'quick'), validationSteps: 1, onMetrics, signal }),
      ).rejects.toThrow(/abort/i);
      for (const [step, loss] of losses.entries())
        expect(Math.abs(loss / reference.losses[step] - 1)).toBeLessThan(1e-4);
    }
  });
});
