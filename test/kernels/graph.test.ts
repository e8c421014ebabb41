// The kernels that run any graph: the paper's network against its own reference, every operation against TensorFlow.js.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';
import { createWasmCompute } from '../../src/compute/wasmCompute.js';
import { kernels } from '../../src/kernels/graph/kernels.js';
import { compileProgram } from '../../src/kernels/graph/program.js';
import { createSingleThreadCompute } from '../../src/kernels/single.js';
import { LOSSES, type Loss } from '../../src/network/compute.js';
import type { Graph } from '../../src/network/graph.js';
import { layOut, type Network } from '../../src/network/network.js';
import type { NowcasterSpec } from '../../src/network/spec.js';
import { createTfjsCompute } from '../../src/network/tfjsCompute.js';
import { networkOf, PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';
import { ALL_SPECS, drawParameters, expectOutputs } from '../families/wnn/againstReference.js';
import { referenceLossAndGradients } from '../families/wnn/reference.js';
import { drawSamples } from '../families/wnn/samples.js';

beforeAll(() => tf.setBackend('cpu'));

describe('the paper’s network, as written', () => {
  for (const [name, spec] of Object.entries(ALL_SPECS))
    test(name, async () => {
      const network = networkOf(spec);
      const compute = await createSingleThreadCompute(kernels, spec, network);
      for (const count of [7, 130]) {
        const { windows, targets } = drawSamples(spec, count, count);
        const parameters = drawParameters(spec, 3, 0.05);
        await expectOutputs(compute, parameters, windows, count);
        for (const loss of LOSSES) {
          const gradients = new Float32Array(network.size);
          const value = await compute.lossAndGradients(parameters, windows, targets, count, loss, gradients);
          const expected = referenceLossAndGradients(spec, parameters, windows, targets, count, loss);
          expect(Math.abs(value - expected.loss)).toBeLessThan(1e-5 * expected.loss);
          expectClose(network, gradients, expected.gradients);
        }
      }
    });
});

/** Every operation, operands that are used twice and by two, widths that fill no vector, and a branch that leads nowhere. */
const EVERYTHING: Graph = [
  { op: 'input', name: 'x', input: 'window' },
  { op: 'input', name: 'c', input: 'context' },
  { op: 'differences', name: 'd', of: 'x' },
  { op: 'dense', name: 'a', of: 'd', units: 6, activation: 'tanh' },
  { op: 'dense', name: 'b', of: 'c', units: 6, activation: 'relu' },
  { op: 'multiply', name: 'ab', of: ['a', 'b'] },
  { op: 'multiply', name: 'aa', of: ['a', 'a'] },
  { op: 'exp', name: 'e', of: 'aa' },
  { op: 'add', name: 's', of: ['e', 'ab'] },
  { op: 'differences', name: 'ds', of: 's' },
  { op: 'dense', name: 'dead', of: 's', units: 3 },
  { op: 'leakyRelu', name: 'l', of: 'ds', slope: 0.2 },
  { op: 'relu', name: 'r', of: 's' },
  { op: 'tanh', name: 't', of: 'b' },
  { op: 'concat', name: 'all', of: ['l', 'd', 'r', 't', 'l'] },
  { op: 'dense', name: 'head', of: 'all', units: 3 },
];

const SPEC: NowcasterSpec = { ...PAPER_SPEC, horizons: [1, 2, 3] };
const NETWORK = layOut(EVERYTHING, [
  { name: 'window', width: 5 },
  { name: 'context', width: 3 },
]);

function draw(count: number) {
  const random = new Random(count, 'graph');
  const normal = (length: number, scale: number) => Float32Array.from({ length }, () => scale * random.normal());
  return {
    parameters: normal(NETWORK.size, 0.4),
    inputs: normal(count * NETWORK.inputWidth, 1),
    targets: normal(count * 3, 1),
  };
}

/** Each gradient within 1e-4 of its array's largest. */
function expectClose({ arrays }: Network, gradients: ArrayLike<number>, expected: ArrayLike<number>): void {
  for (const { name, start, end } of arrays) {
    let largest = 0;
    for (let i = start; i < end; i++) largest = Math.max(largest, Math.abs(expected[i]));
    for (let i = start; i < end; i++)
      expect(Math.abs(gradients[i] - expected[i]), `${name} ${i - start}`).toBeLessThanOrEqual(1e-4 * largest);
  }
}

/** Copies arrays of parameters between networks that name them alike; the others stay as they are. */
function copyArrays(from: Float32Array, { arrays }: Network, to: Float32Array, target: Network): Float32Array {
  for (const { name, start } of target.arrays) {
    const own = arrays.find((array) => array.name === name);
    if (own !== undefined) to.set(from.subarray(own.start, own.end), start);
  }
  return to;
}

/** TensorFlow.js cannot differentiate by parameters that lead nowhere. */
const LIVE = layOut(
  EVERYTHING.filter(({ name }) => name !== 'dead'),
  NETWORK.inputs,
);

async function compareWithTfjs(count: number, loss: Loss): Promise<void> {
  const { parameters, inputs, targets } = draw(count);
  const compute = await createSingleThreadCompute(kernels, SPEC, NETWORK);
  const reference = createTfjsCompute(SPEC, LIVE);
  const live = copyArrays(parameters, NETWORK, new Float32Array(LIVE.size), LIVE);
  const [outputs, expected] = [new Float32Array(count * 3), new Float32Array(count * 3)];
  await compute.forward(parameters, inputs, count, outputs);
  await reference.forward(live, inputs, count, expected);
  for (let i = 0; i < outputs.length; i++)
    expect(Math.abs(outputs[i] - expected[i])).toBeLessThan(2e-5 * (1 + Math.abs(expected[i])));
  const gradients = new Float32Array(NETWORK.size).fill(9);
  const value = await compute.lossAndGradients(parameters, inputs, targets, count, loss, gradients);
  const liveGradients = new Float32Array(LIVE.size);
  const wanted = await reference.lossAndGradients(live, inputs, targets, count, loss, liveGradients);
  expect(Math.abs(value - wanted)).toBeLessThan(2e-5 * wanted);
  expectClose(NETWORK, gradients, copyArrays(liveGradients, LIVE, new Float32Array(NETWORK.size), NETWORK));
}

describe('every operation', () => {
  for (const loss of LOSSES)
    test(`outputs, ${loss} and gradients are those of TensorFlow.js`, async () => {
      for (const count of [1, 9, 200]) await compareWithTfjs(count, loss);
    });

  test('a program leaves out what leads nowhere, and gradients of inputs', () => {
    const { instructions } = compileProgram(NETWORK);
    // Five copies take the place of the concat; the dead layer has no instruction.
    expect(instructions).toHaveLength(EVERYTHING.length - 2 + 5);
    const [code, slope] = [0, 6];
    for (const fields of instructions.filter((fields) => fields[code] === 1 || fields[code] === 2).slice(0, 3))
      expect(fields[slope]).toBe(0);
  });

  test('no forecast of its own where the network sees more than the window', async () => {
    expect((await createSingleThreadCompute(kernels, SPEC, NETWORK)).forecast).toBeUndefined();
    expect((await createSingleThreadCompute(kernels, PAPER_SPEC, networkOf(PAPER_SPEC))).forecast).toBeDefined();
  });
});

test('a family without kernels of its own runs on threads, with the same bits for any number of them', async () => {
  const spec: NowcasterSpec = { ...PAPER_SPEC, family: 'wnn-plus', normalization: 'tensor', config: { width: 24 } };
  const network = networkOf(spec);
  const count = 3000;
  const random = new Random(8);
  const inputs = Float32Array.from({ length: count * network.inputWidth }, () => random.normal());
  const targets = Float32Array.from({ length: count }, () => random.normal());
  const parameters = Float32Array.from({ length: network.size }, () => 0.2 * random.normal());
  const results = await Promise.all(
    [1, 3].map(async (threads) => {
      const compute = await createWasmCompute(spec, { threads });
      const outputs = new Float32Array(count);
      const gradients = new Float32Array(network.size);
      await compute.forward(parameters, inputs, count, outputs);
      const loss = await compute.lossAndGradients(parameters, inputs, targets, count, 'mse', gradients);
      await compute.dispose();
      return { outputs, gradients, loss };
    }),
  );
  expect(results[1]).toEqual(results[0]);
  const expected = new Float32Array(count);
  await createTfjsCompute(spec, network).forward(parameters, inputs, count, expected);
  for (let i = 0; i < count; i++) expect(results[0].outputs[i]).toBeCloseTo(expected[i], 4);
});
