import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, test } from 'vitest';
import { openEngine } from '../../../src/engine/engine.js';
import { createWebgpuCompute, type WebgpuComputeOptions } from '../../../src/kernels/webgpu/index.js';
import { PAPER_SPEC, type WnnSpec } from '../../../src/nowcaster/spec.js';
import { webgpuAbsence } from '../../engine/webgpu/swiftShader.js';
import { drawSamples } from '../../nowcaster/samples.js';
import { ALL_SPECS, drawParameters, expectAnswers, expectGradients } from '../againstReference.js';

/** The least workgroup memory that WebGPU has everywhere. */
const LEAST_MEMORY = 16_384;

describe.skipIf(webgpuAbsence !== null)('the WGSL kernels', () => {
  let device: GPUDevice;
  beforeAll(async () => {
    await openEngine('webgpu');
    device = (tf.backend() as unknown as { device: GPUDevice }).device;
  });

  async function expectReference(spec: WnnSpec, count: number, options: WebgpuComputeOptions = {}): Promise<void> {
    const compute = await createWebgpuCompute(spec, device, options);
    const { windows, targets } = drawSamples(spec, count, count);
    const parameters = drawParameters(spec, 3, 0.05);
    await expectAnswers(compute, parameters, windows, count);
    await expectGradients(compute, parameters, windows, targets, count);
    await compute.dispose();
  }

  for (const [name, spec] of Object.entries(ALL_SPECS))
    test(`${name}: answers and gradients are those of the reference`, () => expectReference(spec, 75));

  test('one sample, as many as a block has, and one more', async () => {
    for (const count of [1, 16, 17]) await expectReference(PAPER_SPEC, count);
  });

  test('with the least memory that WebGPU has', async () => {
    await expectReference(PAPER_SPEC, 75, { workgroupMemory: LEAST_MEMORY });
    const spec = { ...PAPER_SPEC, inputLength: 20, horizons: Array.from({ length: 20 }, (_, h) => h + 1) };
    await expectReference(spec, 75, { workgroupMemory: LEAST_MEMORY });
  });

  test('a batch of several dispatches, the last one short', () =>
    expectReference(PAPER_SPEC, 300, { dispatchSamples: 128 }));
});
