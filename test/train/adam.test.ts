// Adam against the algorithm written out in float64, one parameter at a time.

import { describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { createAdamState, stepAdam } from '../../src/train/adam.js';

/** Kingma and Ba, algorithm 1, for one parameter and the gradients that it gets. */
function referenceAdam(start: number, gradients: number[], rate: number, decay: number): number {
  let [p, m, v] = [start, 0, 0];
  gradients.forEach((g, i) => {
    p -= rate * decay * p;
    m = 0.9 * m + 0.1 * g;
    v = 0.999 * v + 0.001 * g * g;
    p -= (rate * (m / (1 - 0.9 ** (i + 1)))) / (Math.sqrt(v / (1 - 0.999 ** (i + 1))) + 1e-7);
  });
  return p;
}

describe('stepAdam', () => {
  it('follows the float64 algorithm over 200 steps', () => {
    const random = new Random(3);
    const size = 40;
    const start = Float32Array.from({ length: size }, () => random.normal());
    const steps = Array.from({ length: 200 }, () =>
      Float32Array.from({ length: size }, (_, i) => random.normal() * 10 ** ((i % 9) - 5)),
    );
    const parameters = start.slice();
    const state = createAdamState(size);
    for (const gradients of steps) stepAdam(parameters, gradients, state, 0.01, 0, []);
    expect(state.steps).toBe(200);
    for (let i = 0; i < size; i++) {
      const wanted = referenceAdam(
        start[i],
        steps.map((gradients) => gradients[i]),
        0.01,
        0,
      );
      expect(parameters[i]).toBeCloseTo(wanted, 5);
    }
  });

  it('shrinks only the decayed ranges, apart from the gradient', () => {
    const parameters = Float32Array.of(1, -2, 3, 4);
    const state = createAdamState(4);
    const gradients = Float32Array.of(0.5, 0.5, 0.5, 0);
    for (let i = 0; i < 10; i++)
      stepAdam(parameters, gradients, state, 0.01, 0.5, [
        [0, 2],
        [3, 4],
      ]);
    const wanted = [
      [1, 0.5, 0.5],
      [-2, 0.5, 0.5],
      [3, 0.5, 0],
      [4, 0, 0.5],
    ].map(([start, gradient, decay]) => referenceAdam(start, Array(10).fill(gradient), 0.01, decay));
    for (const [i, value] of parameters.entries()) expect(value).toBeCloseTo(wanted[i], 5);
  });
});
