import { expect, test } from 'vitest';
import { initParameters } from '../../src/network/init.js';
import { networkOf, PAPER_SPEC } from '../../src/nowcaster/spec.js';

test('kernels are uniform with the variance of their initializer, biases zero', () => {
  const parameters = initParameters(networkOf(PAPER_SPEC), 1);
  expect(parameters.length).toBe(9425);
  for (const { name, inputs, units, kernel, bias } of networkOf(PAPER_SPEC).layers) {
    const values = parameters.subarray(kernel, bias);
    const variance = /_(in|out)$/.test(name) ? 0.1 / inputs : 2 / (inputs + units);
    const limit = Math.sqrt(3 * variance);
    const measured = values.reduce((sum, x) => sum + x * x, 0) / values.length;
    // The variance of a uniform variable's square is 4/5 of its variance's square.
    expect(Math.abs(measured / variance - 1), name).toBeLessThan(5 * Math.sqrt(0.8 / values.length));
    expect(Math.max(...values.map(Math.abs)), name).toBeLessThanOrEqual(limit);
    expect(parameters.subarray(bias, bias + units).every((x) => x === 0)).toBe(true);
  }
});

test('the seed decides all of it', () => {
  expect(initParameters(networkOf(PAPER_SPEC), 1)).toEqual(initParameters(networkOf(PAPER_SPEC), 1));
  expect(initParameters(networkOf(PAPER_SPEC), 1)).not.toEqual(initParameters(networkOf(PAPER_SPEC), 2));
});
