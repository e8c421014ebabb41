// Holds a compute against the float64 reference.

import { expect } from 'vitest';
import { LOSSES, type Loss, type NetworkCompute } from '../../../src/network/compute.js';
import { initParameters } from '../../../src/network/init.js';
import type { NowcasterSpec } from '../../../src/network/spec.js';
import { networkOf, PAPER_SPEC } from '../../../src/nowcaster/spec.js';
import { Random } from '../../../src/random.js';
import { referenceForward, referenceLossAndGradients } from './reference.js';
import { SPECS } from './samples.js';

/** The variants that kernels are tested on. */
export const ALL_SPECS: Record<string, NowcasterSpec> = {
  ...SPECS,
  'two inputs': { ...PAPER_SPEC, inputLength: 2 },
  'twenty inputs, five horizons': { ...PAPER_SPEC, inputLength: 20, horizons: [1, 2, 3, 5, 20] },
  'forty horizons': { ...PAPER_SPEC, horizons: Array.from({ length: 40 }, (_, i) => i + 1) },
  'relu, two horizons': { ...SPECS.relu, horizons: [5, 7] },
};

/** Fresh parameters with noise on them, biases too. */
export function drawParameters(spec: NowcasterSpec, seed: number, spread: number): Float32Array {
  const random = new Random(seed, 'spread');
  return initParameters(networkOf(spec), seed).map((x) => x + spread * random.normal());
}

/** Each output within 1e-5 of the reference's. */
export async function expectOutputs(
  compute: NetworkCompute,
  parameters: Float32Array,
  windows: Float32Array,
  count: number,
) {
  const { spec } = compute;
  const outputs = new Float32Array(count * spec.horizons.length).fill(Number.NaN);
  await compute.forward(parameters, windows, count, outputs);
  const expected = referenceForward(spec, parameters, windows, count);
  const worst = outputs.reduce((most, y, i) => Math.max(most, Math.abs(y - expected[i])), 0);
  expect(outputs.some(Number.isNaN)).toBe(false);
  expect(worst).toBeLessThan(1e-5);
}

/** Sum over samples of the size of what each adds to the gradient `at`, as a share of the mean: what float32 adds up. */
function sizeOfTerms(
  { spec }: NetworkCompute,
  parameters: Float32Array,
  windows: Float32Array,
  targets: Float32Array,
  count: number,
  loss: Loss,
  at: number,
): number {
  const [length, outputs] = [spec.inputLength, spec.horizons.length];
  let sum = 0;
  for (let sample = 0; sample < count; sample++) {
    const window = windows.subarray(sample * length, (sample + 1) * length);
    const target = targets.subarray(sample * outputs, (sample + 1) * outputs);
    sum += Math.abs(referenceLossAndGradients(spec, parameters, window, target, 1, loss).gradients[at]);
  }
  return sum / count;
}

/**
 * Each gradient within 1e-4 of itself, or of a hundredth of its array's largest. Where samples cancel each other beyond
 * that (seen once: terms of 2.4e-2 in sum that leave 3.6e-6), within one float32 rounding of the size of its terms, which
 * is what is left when float32 terms are added without any further error.
 */
export async function expectGradients(
  compute: NetworkCompute,
  parameters: Float32Array,
  windows: Float32Array,
  targets: Float32Array,
  count: number,
) {
  const { layers, size } = networkOf(compute.spec);
  const gradients = new Float32Array(size).fill(Number.NaN);
  for (const loss of LOSSES) {
    const mean = await compute.lossAndGradients(parameters, windows, targets, count, loss, gradients);
    const reference = referenceLossAndGradients(compute.spec, parameters, windows, targets, count, loss);
    expect(Math.abs(mean - reference.loss)).toBeLessThan(1e-6 * Math.max(1, reference.loss));
    for (const { name, kernel, bias, units } of layers)
      for (const [part, start, end] of [
        ['kernel', kernel, bias],
        ['bias', bias, bias + units],
      ] as const) {
        const expected = reference.gradients.slice(start, end);
        const largest = expected.reduce((most, g) => Math.max(most, Math.abs(g)), 0);
        expected.forEach((g, i) => {
          const error = Math.abs(gradients[start + i] - g);
          if (error <= 1e-4 * Math.max(Math.abs(g), 0.01 * largest)) return;
          const terms = sizeOfTerms(compute, parameters, windows, targets, count, loss, start + i);
          expect(error, `${loss} ${name} ${part} ${i}`).toBeLessThan(2 ** -24 * terms);
        });
      }
  }
}
