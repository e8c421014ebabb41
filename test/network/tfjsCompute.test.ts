import { createGenericCompute } from '../../src/compute/genericCompute.js';
import { LOSSES } from '../../src/network/compute.js';
import { initParameters } from '../../src/network/init.js';
import { networkOf } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';
import { referenceForward, referenceLossAndGradients } from '../families/wnn/reference.js';
import { drawSamples, SPECS } from '../families/wnn/samples.js';
import '@tensorflow/tfjs-backend-cpu';
import { createRequire } from 'node:module';
import { dirname } from 'node:path';
import { setWasmPaths } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, test } from 'vitest';

for (const backend of ['cpu', 'wasm']) {
  describe(backend, () => {
    beforeAll(async () => {
      const wasm = createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm');
      setWasmPaths(`${dirname(wasm)}/`);
      await tf.setBackend(backend);
    });

    for (const [name, spec] of Object.entries(SPECS)) {
      test(`${name}: outputs, loss and gradients are those of the reference, and no tensor stays`, async () => {
        const count = 37;
        const { windows, targets } = drawSamples(spec, count, 2);
        const random = new Random(6);
        const parameters = initParameters(networkOf(spec), 4).map((x) => x + 0.05 * random.normal());
        const compute = createGenericCompute(spec);
        const before = tf.memory().numTensors;

        const outputs = new Float32Array(count * spec.horizons.length);
        await compute.forward(parameters, windows, count, outputs);
        const expected = referenceForward(spec, parameters, windows, count);
        outputs.forEach((y, i) => {
          expect(Math.abs(y - expected[i])).toBeLessThan(2e-6);
        });

        const gradients = new Float32Array(networkOf(spec).size).fill(Number.NaN);
        for (const loss of LOSSES) {
          const value = await compute.lossAndGradients(parameters, windows, targets, count, loss, gradients);
          const reference = referenceLossAndGradients(spec, parameters, windows, targets, count, loss);
          expect(Math.abs(value - reference.loss)).toBeLessThan(1e-6);
          gradients.forEach((g, i) => {
            expect(Math.abs(g - reference.gradients[i]), `${loss} ${i}`).toBeLessThan(5e-6);
          });
        }
        expect(tf.memory().numTensors).toBe(before);
      });
    }
  });
}
