import { expect, test } from 'vitest';
import { memoryOf, planKernels } from '../../../src/kernels/webgpu/plan.js';
import { PAPER_SPEC, type WnnSpec } from '../../../src/nowcaster/spec.js';

const horizons = Array.from({ length: 20 }, (_, h) => h + 1);

test('every spec fits into the least workgroup memory that WebGPU has', () => {
  for (const streams of ['both', 'values'] as const)
    for (const activation of ['network', 'relu'] as const)
      for (const count of [1, 4, 5, 20])
        for (let inputLength = 2; inputLength <= 20; inputLength++) {
          const spec: WnnSpec = { ...PAPER_SPEC, streams, activation, inputLength, horizons: horizons.slice(0, count) };
          expect(memoryOf(planKernels(spec, 16_384))).toBeLessThanOrEqual(16_384);
        }
});

test('more memory makes larger blocks, up to what leaves room for several workgroups', () => {
  const samples = [16_384, 32_768, 49_152].map((memory) => planKernels(PAPER_SPEC, memory).samples);
  expect(samples).toEqual([8, 16, 16]);
});
