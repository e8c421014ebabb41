import { expect, test } from 'vitest';
import { memoryOf, planKernels } from '../../../../src/families/wnn/webgpu/plan.js';
import type { NowcasterSpec } from '../../../../src/network/spec.js';
import { networkOf, PAPER_SPEC } from '../../../../src/nowcaster/spec.js';

const horizons = Array.from({ length: 20 }, (_, h) => h + 1);

test('every spec fits into the least workgroup memory that WebGPU has', () => {
  for (const streams of ['both', 'values'] as const)
    for (const activation of ['network', 'relu'] as const)
      for (const count of [1, 4, 5, 20])
        for (let inputLength = 2; inputLength <= 20; inputLength++) {
          const spec: NowcasterSpec = {
            ...PAPER_SPEC,
            config: { streams, activation },
            inputLength,
            horizons: horizons.slice(0, count),
          };
          expect(memoryOf(planKernels(spec, networkOf(spec), 16_384))).toBeLessThanOrEqual(16_384);
        }
});

test('more memory makes larger blocks, up to what leaves room for several workgroups', () => {
  const samples = [16_384, 32_768, 49_152].map(
    (memory) => planKernels(PAPER_SPEC, networkOf(PAPER_SPEC), memory).samples,
  );
  expect(samples).toEqual([8, 16, 16]);
});
