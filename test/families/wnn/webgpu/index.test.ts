import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { openEngine } from '../../../../src/engine/engine.js';
import { OutOfMemoryError } from '../../../../src/errors.js';
import { createWebgpuCompute, type WebgpuComputeOptions } from '../../../../src/families/wnn/webgpu/index.js';
import { initParameters } from '../../../../src/network/init.js';
import type { NowcasterSpec } from '../../../../src/network/spec.js';
import { networkOf, PAPER_SPEC } from '../../../../src/nowcaster/spec.js';
import { webgpuAbsence } from '../../../engine/webgpu/swiftShader.js';
import { ALL_SPECS, drawParameters, expectGradients, expectOutputs } from '../againstReference.js';
import { drawSamples } from '../samples.js';

/** The least workgroup memory that WebGPU has everywhere. */
const LEAST_MEMORY = 16_384;

describe.skipIf(webgpuAbsence !== null)('the WGSL kernels', () => {
  let device: GPUDevice;
  beforeAll(async () => {
    await openEngine('webgpu');
    device = (tf.backend() as tf.KernelBackend & { device: GPUDevice }).device;
  });

  async function expectReference(
    spec: NowcasterSpec,
    count: number,
    options: WebgpuComputeOptions = {},
  ): Promise<void> {
    const compute = await createWebgpuCompute(spec, networkOf(spec), device, options);
    const { windows, targets } = drawSamples(spec, count, count);
    const parameters = drawParameters(spec, 3, 0.05);
    await expectOutputs(compute, parameters, windows, count);
    await expectGradients(compute, parameters, windows, targets, count);
    await compute.dispose();
  }

  // Compiling a shader takes seconds on a processor: a choice of specs that has every variant of each part.
  for (const name of [
    'paper',
    'ten inputs, three horizons',
    'one stream',
    'one stream of relu, no normalization',
    'relu, two horizons',
  ])
    test(`${name}: outputs and gradients are those of the reference`, () => expectReference(ALL_SPECS[name], 75));

  test('one sample, as many as a block has, and one more', async () => {
    for (const count of [1, 16, 17]) await expectReference(PAPER_SPEC, count);
  });

  test('with the least memory that WebGPU has, and many horizons', () =>
    expectReference(ALL_SPECS['twenty inputs, five horizons'], 75, { workgroupMemory: LEAST_MEMORY }));

  test('a batch of several dispatches, the last one short', () =>
    expectReference(PAPER_SPEC, 300, { dispatchSamples: 128 }));

  test('more memory than the GPU has is told of in one line, and a smaller batch works afterwards', async () => {
    const compute = await createWebgpuCompute(PAPER_SPEC, networkOf(PAPER_SPEC), device, {
      dispatchSamples: Number.MAX_SAFE_INTEGER,
    });
    const parameters = drawParameters(PAPER_SPEC, 3, 0.05);
    // SwiftShader has no buffer of 1 GiB, though its limits allow it. Nobody touches these pages.
    const count = Math.floor(device.limits.maxBufferSize / 4 / PAPER_SPEC.inputLength);
    const windows = new Float32Array(count * PAPER_SPEC.inputLength);
    const forward = compute.forward(parameters, windows, count, new Float32Array(count));
    await expect(forward).rejects.toThrow(OutOfMemoryError);
    await expect(forward).rejects.toThrow(
      /^out of GPU memory \(.+\): windows, 1024\.0 MiB, on .+; use a smaller --batch/,
    );
    const samples = drawSamples(PAPER_SPEC, 20, 1);
    await expectOutputs(compute, parameters, samples.windows, 20);
    await compute.dispose();
  });

  test('the same call gives the same bits, between calls of other sizes too', async () => {
    const compute = await createWebgpuCompute(PAPER_SPEC, networkOf(PAPER_SPEC), device);
    const parameters = drawParameters(PAPER_SPEC, 3, 0.05);
    const { windows, targets } = drawSamples(PAPER_SPEC, 200, 1);
    const results: [number, Float32Array][] = [];
    for (const count of [100, 30, 200, 100]) {
      const gradients = new Float32Array(parameters.length);
      results.push([
        await compute.lossAndGradients(parameters, windows, targets, count, 'huber', gradients),
        gradients,
      ]);
    }
    expect(results[3]).toEqual(results[0]);
    expect(results[1]).not.toEqual(results[0]);
    await compute.dispose();
  });

  test('calls that do not wait for each other', async () => {
    const compute = await createWebgpuCompute(PAPER_SPEC, networkOf(PAPER_SPEC), device);
    const count = 20;
    const { windows } = drawSamples(PAPER_SPEC, count, 1);
    const outputs = await Promise.all(
      [1, 2, 1].map(async (seed) => {
        const out = new Float32Array(count);
        await compute.forward(drawParameters(PAPER_SPEC, seed, 0.05), windows, count, out);
        return out;
      }),
    );
    expect(outputs[2]).toEqual(outputs[0]);
    expect(outputs[1]).not.toEqual(outputs[0]);
    await compute.dispose();
  });

  test('NaN in one window spoils that output alone, and the loss of its batch; an overflow too', async () => {
    const compute = await createWebgpuCompute(PAPER_SPEC, networkOf(PAPER_SPEC), device);
    const count = 21;
    const { windows, targets } = drawSamples(PAPER_SPEC, count, 5);
    const parameters = drawParameters(PAPER_SPEC, 8, 0.02);
    const gradients = new Float32Array(networkOf(PAPER_SPEC).size);
    const [clean, spoilt] = [new Float32Array(count), new Float32Array(count)];
    await compute.forward(parameters, windows, count, clean);
    const broken = windows.slice();
    broken[20 * 5 + 2] = Number.NaN;
    await compute.forward(parameters, broken, count, spoilt);
    expect(spoilt[20]).toBeNaN();
    spoilt[20] = clean[20];
    expect(spoilt).toEqual(clean);
    expect(await compute.lossAndGradients(parameters, broken, targets, count, 'mse', gradients)).toBeNaN();
    const huge = initParameters(networkOf(PAPER_SPEC), 7).map((x) => (x + 0.01) * 1e9);
    expect(await compute.lossAndGradients(huge, windows, targets, count, 'mae', gradients)).toBeNaN();
    // The next call starts afresh.
    expect(await compute.lossAndGradients(parameters, windows, targets, count, 'mae', gradients)).toBeGreaterThan(0);
    await compute.dispose();
  });

  // The last test: it takes the device away.
  test('a lost device is an error that says what to do', async () => {
    const compute = await createWebgpuCompute(PAPER_SPEC, networkOf(PAPER_SPEC), device);
    device.destroy();
    const call = compute.forward(initParameters(networkOf(PAPER_SPEC), 1), new Float32Array(5), 1, new Float32Array(1));
    await expect(call).rejects.toThrow(/the GPU was lost .*; start the command again: it goes on from the last/);
  });
});
