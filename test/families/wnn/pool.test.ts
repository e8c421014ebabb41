import { expect, test } from 'vitest';
import { createWasmCompute } from '../../../src/compute/wasmCompute.js';
import { LOSSES } from '../../../src/network/compute.js';
import { initParameters } from '../../../src/network/init.js';
import { networkOf, PAPER_SPEC } from '../../../src/nowcaster/spec.js';
import { referenceForward } from './reference.js';
import { drawSamples, SPECS } from './samples.js';

const spec = { ...PAPER_SPEC, inputLength: 6, horizons: [2, 5] };

test('any number of threads gives the same bits, also over several jobs and after other batches', async () => {
  const parameters = initParameters(networkOf(spec), 1);
  const most = 70_001;
  const { windows, targets } = drawSamples(spec, most, 5);
  const seen: (Float32Array | number)[][] = [];
  for (const threads of [1, 2, 3]) {
    const compute = await createWasmCompute(spec, { threads });
    const results: (Float32Array | number)[] = [];
    for (const count of [1, 255, 257, 5000, most]) {
      const outputs = new Float32Array(count * spec.horizons.length);
      const gradients = new Float32Array(networkOf(spec).size);
      await compute.forward(parameters, windows, count, outputs);
      const loss = await compute.lossAndGradients(parameters, windows, targets, count, 'huber', gradients);
      results.push(outputs, gradients, loss);
    }
    await compute.dispose();
    seen.push(results);
  }
  expect(seen[1]).toEqual(seen[0]);
  expect(seen[2]).toEqual(seen[0]);
});

test('threads compute the right outputs, with the parameters of each call', async () => {
  const compute = await createWasmCompute(spec, { threads: 2 });
  const count = 3000;
  const { windows } = drawSamples(spec, count, 7);
  const calls = [1, 2, 3].map(async (seed) => {
    const parameters = initParameters(networkOf(spec), seed);
    const outputs = new Float32Array(count * 2);
    await compute.forward(parameters, windows, count, outputs);
    const expected = referenceForward(spec, parameters, windows, count);
    expect(outputs.every((y, i) => Math.abs(y - expected[i]) < 1e-5)).toBe(true);
  });
  await Promise.all(calls);
  await compute.dispose();
});

test('repeated calls never lose or mix a group', async () => {
  const compute = await createWasmCompute(SPECS.relu, { threads: 3 });
  const count = 1100;
  const { windows, targets } = drawSamples(SPECS.relu, count, 9);
  const parameters = initParameters(networkOf(SPECS.relu), 4);
  const first = new Map<string, number>();
  const gradients = new Float32Array(networkOf(SPECS.relu).size);
  for (let round = 0; round < 300; round++)
    for (const loss of LOSSES) {
      const size = 300 + (round % 4) * 200;
      const value = await compute.lossAndGradients(parameters, windows, targets, size, loss, gradients);
      const key = `${loss} ${size}`;
      first.set(key, first.get(key) ?? value);
      expect(value).toBe(first.get(key));
    }
  await compute.dispose();
});

test('refuses an impossible number of threads', async () => {
  await expect(createWasmCompute(spec, { threads: 0 })).rejects.toThrow('wrong number of threads: 0; give');
});
