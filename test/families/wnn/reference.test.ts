// The reference itself, held against finite differences, so that what the engines are compared with is right.

import { expect, test } from 'vitest';
import { LOSSES } from '../../../src/network/compute.js';
import { initParameters } from '../../../src/network/init.js';
import { networkOf } from '../../../src/nowcaster/spec.js';
import { Random } from '../../../src/random.js';
import { referenceForward, referenceLossAndGradients } from './reference.js';
import { drawSamples, SPECS } from './samples.js';

for (const [name, spec] of Object.entries(SPECS)) {
  for (const loss of LOSSES) {
    test(`gradients of ${name} under ${loss} are those of finite differences`, () => {
      const count = 3;
      const { windows, targets } = drawSamples(spec, count, 1);
      const random = new Random(5);
      const parameters = Float64Array.from(initParameters(networkOf(spec), 3), (x) => x + 0.05 * random.normal());
      const { loss: value, gradients } = referenceLossAndGradients(spec, parameters, windows, targets, count, loss);
      const outputs = referenceForward(spec, parameters, windows, count);
      if (loss === 'mae') {
        const mean = outputs.reduce((sum, y, i) => sum + Math.abs(y - targets[i]), 0) / outputs.length;
        expect(value).toBeCloseTo(mean, 12);
      }
      const lossAt = (i: number, step: number) => {
        const moved = parameters.slice();
        moved[i] += step;
        return referenceLossAndGradients(spec, moved, windows, targets, count, loss).loss;
      };
      for (const i of new Random(7).sample(parameters.length, 60)) {
        const numeric = (lossAt(i, 1e-6) - lossAt(i, -1e-6)) / 2e-6;
        expect(Math.abs(gradients[i] - numeric), `parameter ${i}`).toBeLessThan(1e-8 + 1e-6 * Math.abs(numeric));
      }
    });
  }
}
