// The gradient of the penalties against finite differences of the penalty itself, and the limit on the norm.

import { describe, expect, it } from 'vitest';
import { initParameters } from '../../src/network/init.js';
import { networkOf, PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';
import { addPenalties, clipGradient, normOfGradient } from '../../src/train/penalties.js';

const layout = networkOf(PAPER_SPEC);
const weights = { kernelPenalty: 1e-6, biasPenalty: 0.1 };

/** The penalty in float64, from the design's words: 1e-6 on kernels, 0.1 on biases of `in` and `out`. */
function referencePenalty(p: Float64Array): number {
  let sum = 0;
  for (const { name, kernel, bias, units } of layout.layers) {
    if (!/_(in|out)$/.test(name)) continue;
    for (let i = kernel; i < bias; i++) sum += 1e-6 * Math.abs(p[i]);
    for (let i = bias; i < bias + units; i++) sum += 0.1 * Math.abs(p[i]);
  }
  return sum;
}

describe('addPenalties', () => {
  it('adds the slope of the penalty to every parameter', () => {
    const random = new Random(1);
    const parameters = initParameters(networkOf(PAPER_SPEC), 1).map((value) => value + 0.1 * random.normal());
    const gradients = new Float32Array(layout.size);
    const penalty = addPenalties(layout, parameters, gradients, weights);
    const p = Float64Array.from(parameters);
    expect(penalty).toBeCloseTo(referencePenalty(p), 9);
    for (let k = 0; k < 400; k++) {
      const i = random.below(layout.size);
      const step = Math.abs(p[i]) / 2;
      const [low, high] = [p[i] - step, p[i] + step];
      const held = p[i];
      p[i] = high;
      const above = referencePenalty(p);
      p[i] = low;
      const below = referencePenalty(p);
      p[i] = held;
      expect(gradients[i]).toBeCloseTo((above - below) / (high - low), 8);
    }
  });

  it('adds to what is there, and nothing at zero', () => {
    const gradients = new Float32Array(layout.size).fill(2);
    expect(addPenalties(layout, new Float32Array(layout.size), gradients, weights)).toBe(0);
    expect(gradients.every((value) => value === 2)).toBe(true);
  });
});

describe('clipGradient', () => {
  it('scales a longer gradient down to the limit and leaves a shorter one', () => {
    const gradients = Float32Array.of(3, 4, 12);
    expect(normOfGradient(gradients)).toBe(13);
    clipGradient(gradients, 13, 20);
    expect([...gradients]).toEqual([3, 4, 12]);
    clipGradient(gradients, 13, 1.3);
    expect(normOfGradient(gradients)).toBeCloseTo(1.3, 6);
    expect(gradients[2] / gradients[0]).toBeCloseTo(4, 5);
  });

  it('sees what is not finite', () => {
    expect(normOfGradient(Float32Array.of(1, Number.NaN))).toBeNaN();
    expect(normOfGradient(Float32Array.of(1, Number.NEGATIVE_INFINITY))).toBe(Number.POSITIVE_INFINITY);
  });
});
