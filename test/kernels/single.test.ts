import { describe, expect, test } from 'vitest';
import { createSingleThreadCompute } from '../../src/kernels/single.js';
import { LOSSES, type WnnCompute } from '../../src/nowcaster/compute.js';
import { initParameters } from '../../src/nowcaster/init.js';
import { layoutOf } from '../../src/nowcaster/layout.js';
import { PAPER_SPEC, type WnnSpec } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';
import { referenceForward, referenceLossAndGradients } from '../nowcaster/reference.js';
import { drawSamples, SPECS } from '../nowcaster/samples.js';

const ALL_SPECS: Record<string, WnnSpec> = {
  ...SPECS,
  'two inputs': { ...PAPER_SPEC, inputLength: 2 },
  'twenty inputs, five horizons': { ...PAPER_SPEC, inputLength: 20, horizons: [1, 2, 3, 5, 20] },
  'relu, two horizons': { ...PAPER_SPEC, activation: 'relu', horizons: [5, 7] },
};

function drawParameters(spec: WnnSpec, seed: number, spread: number): Float32Array {
  const random = new Random(seed, 'spread');
  return initParameters(spec, seed).map((x) => x + spread * random.normal());
}

async function expectAnswers(compute: WnnCompute, parameters: Float32Array, windows: Float32Array, count: number) {
  const { spec } = compute;
  const answers = new Float32Array(count * spec.horizons.length).fill(Number.NaN);
  await compute.forward(parameters, windows, count, answers);
  const expected = referenceForward(spec, parameters, windows, count);
  const worst = answers.reduce((most, y, i) => Math.max(most, Math.abs(y - expected[i])), 0);
  expect(answers.some(Number.isNaN)).toBe(false);
  expect(worst).toBeLessThan(1e-5);
}

/** Each gradient within 1e-4 of itself, or of a twentieth of its layer's largest where cancellation made it small. */
async function expectGradients(
  compute: WnnCompute,
  parameters: Float32Array,
  windows: Float32Array,
  targets: Float32Array,
  count: number,
) {
  const { layers, size } = layoutOf(compute.spec);
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
        let worst = 0;
        expected.forEach((g, i) => {
          const error = Math.abs(gradients[start + i] - g);
          // NaN stays NaN in Math.max, and fails below.
          worst = Math.max(worst, error === 0 ? 0 : error / Math.max(Math.abs(g), 0.05 * largest));
        });
        expect(worst, `${loss} ${name} ${part}`).toBeLessThan(1e-4);
      }
  }
}

for (const [name, spec] of Object.entries(ALL_SPECS)) {
  describe(name, () => {
    for (const count of [1, 7, 64, 300])
      test(`${count} samples: answers and gradients are those of the reference`, async () => {
        const compute = await createSingleThreadCompute(spec);
        const { windows, targets } = drawSamples(spec, count, count);
        const parameters = drawParameters(spec, 3, 0.05);
        await expectAnswers(compute, parameters, windows, count);
        await expectGradients(compute, parameters, windows, targets, count);
      });
  });
}

describe('extremes', () => {
  test('constant windows under fresh parameters, whose every activation sits on its kink', async () => {
    const compute = await createSingleThreadCompute(PAPER_SPEC);
    const count = 50;
    const windows = new Float32Array(count * 5);
    const { targets } = drawSamples(PAPER_SPEC, count, 1);
    const parameters = initParameters(PAPER_SPEC, 1);
    await expectAnswers(compute, parameters, windows, count);
    await expectGradients(compute, parameters, windows, targets, count);
  });

  test('saturated answers', async () => {
    const compute = await createSingleThreadCompute(PAPER_SPEC);
    const count = 100;
    const { windows, targets } = drawSamples(PAPER_SPEC, count, 2);
    const head = layoutOf(PAPER_SPEC).layers.at(-1)!;
    for (const bias of [6, -9]) {
      const parameters = drawParameters(PAPER_SPEC, 5, 0.02);
      parameters[head.bias] = bias;
      await expectAnswers(compute, parameters, windows, count);
      await expectGradients(compute, parameters, windows, targets, count);
    }
  });

  test('exponents of tens in both directions', async () => {
    const compute = await createSingleThreadCompute(PAPER_SPEC);
    const count = 64;
    const { windows } = drawSamples(PAPER_SPEC, count, 3);
    for (const exponent of [-60, -25, 25, 60]) {
      const parameters = drawParameters(PAPER_SPEC, 6, 0.02);
      for (const { name, kernel, bias, units } of layoutOf(PAPER_SPEC).layers) {
        // f = 1 + something small, E = the exponent: e^E f, brought back to size by the last layer.
        if (name.endsWith('_in')) parameters.fill(0.001, kernel, bias).fill(1, bias, bias + units);
        if (name.endsWith('_exp')) parameters.fill(0, kernel, bias).fill(exponent, bias, bias + units);
        if (name.endsWith('_add')) parameters.fill(0, kernel, bias + units);
        if (name === 'head') for (let i = kernel; i < bias; i++) parameters[i] *= Math.exp(-exponent) / 8;
      }
      await expectAnswers(compute, parameters, windows, count);
    }
  });

  test('an overflow shows in the loss, also where tanh hides it from the answers', async () => {
    const compute = await createSingleThreadCompute(PAPER_SPEC);
    const count = 64;
    const { windows, targets } = drawSamples(PAPER_SPEC, count, 4);
    const gradients = new Float32Array(layoutOf(PAPER_SPEC).size);
    for (const size of [1e3, 1e9, 1e20]) {
      const parameters = initParameters(PAPER_SPEC, 7).map((x) => (x + 0.01) * size);
      const loss = await compute.lossAndGradients(parameters, windows, targets, count, 'mae', gradients);
      expect(Number.isFinite(loss)).toBe(gradients.every(Number.isFinite));
    }
    const parameters = initParameters(PAPER_SPEC, 7).map((x) => (x + 0.01) * 1e9);
    expect(await compute.lossAndGradients(parameters, windows, targets, count, 'mae', gradients)).toBeNaN();
    // The next call starts afresh.
    await expectGradients(compute, initParameters(PAPER_SPEC, 7), windows, targets, count);
  });

  test('NaN in one window spoils that answer alone, and the loss of its batch', async () => {
    const compute = await createSingleThreadCompute(PAPER_SPEC);
    const count = 21;
    const { windows, targets } = drawSamples(PAPER_SPEC, count, 5);
    const parameters = drawParameters(PAPER_SPEC, 8, 0.02);
    const [clean, spoilt] = [new Float32Array(count), new Float32Array(count)];
    await compute.forward(parameters, windows, count, clean);
    for (const sample of [3, 20]) {
      const broken = windows.slice();
      broken[sample * 5 + 2] = Number.NaN;
      await compute.forward(parameters, broken, count, spoilt);
      expect(spoilt[sample]).toBeNaN();
      spoilt[sample] = clean[sample];
      expect(spoilt).toEqual(clean);
      const gradients = new Float32Array(layoutOf(PAPER_SPEC).size);
      expect(await compute.lossAndGradients(parameters, broken, targets, count, 'mse', gradients)).toBeNaN();
    }
  });

  test('nothing to forecast is no error', async () => {
    const compute = await createSingleThreadCompute(PAPER_SPEC);
    await compute.forward(initParameters(PAPER_SPEC, 1), new Float32Array(0), 0, new Float32Array(0));
  });
});
