import { describe, expect, test } from 'vitest';
import { createWasmCompute } from '../../../src/compute/wasmCompute.js';
import { initParameters } from '../../../src/network/init.js';
import { networkOf, PAPER_SPEC } from '../../../src/nowcaster/spec.js';
import { ALL_SPECS, drawParameters, expectGradients, expectOutputs } from './againstReference.js';
import { drawSamples } from './samples.js';

for (const [name, spec] of Object.entries(ALL_SPECS)) {
  describe(name, () => {
    for (const count of [1, 7, 64, 300])
      test(`${count} samples: outputs and gradients are those of the reference`, async () => {
        const compute = await createWasmCompute(spec, { threads: 1 });
        const { windows, targets } = drawSamples(spec, count, count);
        const parameters = drawParameters(spec, 3, 0.05);
        await expectOutputs(compute, parameters, windows, count);
        await expectGradients(compute, parameters, windows, targets, count);
      });
  });
}

describe('extremes', () => {
  test('constant windows under fresh parameters, whose every activation sits on its kink', async () => {
    const compute = await createWasmCompute(PAPER_SPEC, { threads: 1 });
    const count = 50;
    const windows = new Float32Array(count * 5);
    const { targets } = drawSamples(PAPER_SPEC, count, 1);
    const parameters = initParameters(networkOf(PAPER_SPEC), 1);
    await expectOutputs(compute, parameters, windows, count);
    await expectGradients(compute, parameters, windows, targets, count);
  });

  test('saturated outputs', async () => {
    const compute = await createWasmCompute(PAPER_SPEC, { threads: 1 });
    const count = 100;
    const { windows, targets } = drawSamples(PAPER_SPEC, count, 2);
    const head = networkOf(PAPER_SPEC).layers.at(-1)!;
    for (const bias of [6, -9]) {
      const parameters = drawParameters(PAPER_SPEC, 5, 0.02);
      parameters[head.bias] = bias;
      await expectOutputs(compute, parameters, windows, count);
      await expectGradients(compute, parameters, windows, targets, count);
    }
  });

  test('exponents of tens in both directions', async () => {
    const compute = await createWasmCompute(PAPER_SPEC, { threads: 1 });
    const count = 64;
    const { windows } = drawSamples(PAPER_SPEC, count, 3);
    for (const exponent of [-60, -25, 25, 60]) {
      const parameters = drawParameters(PAPER_SPEC, 6, 0.02);
      for (const { name, kernel, bias, units } of networkOf(PAPER_SPEC).layers) {
        // f = 1 + something small, E = the exponent: e^E f, brought back to size by the last layer.
        if (name.endsWith('_in')) parameters.fill(0.001, kernel, bias).fill(1, bias, bias + units);
        if (name.endsWith('_exp')) parameters.fill(0, kernel, bias).fill(exponent, bias, bias + units);
        if (name.endsWith('_add')) parameters.fill(0, kernel, bias + units);
        if (name === 'head') for (let i = kernel; i < bias; i++) parameters[i] *= Math.exp(-exponent) / 8;
      }
      await expectOutputs(compute, parameters, windows, count);
    }
  });

  test('an overflow shows in the loss, also where tanh hides it from the outputs', async () => {
    const compute = await createWasmCompute(PAPER_SPEC, { threads: 1 });
    const count = 64;
    const { windows, targets } = drawSamples(PAPER_SPEC, count, 4);
    const gradients = new Float32Array(networkOf(PAPER_SPEC).size);
    for (const size of [1e3, 1e9, 1e20]) {
      const parameters = initParameters(networkOf(PAPER_SPEC), 7).map((x) => (x + 0.01) * size);
      const loss = await compute.lossAndGradients(parameters, windows, targets, count, 'mae', gradients);
      expect(Number.isFinite(loss)).toBe(gradients.every(Number.isFinite));
    }
    const parameters = initParameters(networkOf(PAPER_SPEC), 7).map((x) => (x + 0.01) * 1e9);
    expect(await compute.lossAndGradients(parameters, windows, targets, count, 'mae', gradients)).toBeNaN();
    // The next call starts afresh.
    await expectGradients(compute, initParameters(networkOf(PAPER_SPEC), 7), windows, targets, count);
  });

  test('NaN in one window spoils that output alone, and the loss of its batch', async () => {
    const compute = await createWasmCompute(PAPER_SPEC, { threads: 1 });
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
      const gradients = new Float32Array(networkOf(PAPER_SPEC).size);
      expect(await compute.lossAndGradients(parameters, broken, targets, count, 'mse', gradients)).toBeNaN();
    }
  });

  test('nothing to forecast is no error', async () => {
    const compute = await createWasmCompute(PAPER_SPEC, { threads: 1 });
    await compute.forward(initParameters(networkOf(PAPER_SPEC), 1), new Float32Array(0), 0, new Float32Array(0));
  });
});
