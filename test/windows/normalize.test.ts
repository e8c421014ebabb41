import { describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import { normalizeWindows } from '../../src/windows/normalize.js';

const COUNT = 3000;

/** Scalars of many magnitudes, some of which do not move, one array an epoch. */
function drawHistory(length: number): Float32Array[] {
  const random = new Random(3, length);
  const history = Array.from({ length }, () => new Float32Array(COUNT));
  for (let j = 0; j < COUNT; j++) {
    const size = random.logUniform(1e-6, 100);
    const step = j % 10 === 0 ? 0 : size * random.logUniform(1e-6, 1);
    let value = size * random.normal();
    for (const values of history) {
      values[j] = value;
      value += step * random.normal();
    }
  }
  return history;
}

describe('windows normalized by range', () => {
  for (const inputLength of [2, 5, 7])
    it(`of length ${inputLength} are those of the formulas in float64`, () => {
      const history = drawHistory(inputLength);
      const start = 17;
      const count = COUNT - start;
      const windows = new Float32Array(count * inputLength);
      const origins = new Float64Array(count);
      const scales = new Float64Array(count);
      normalizeWindows({ inputLength, normalization: 'range' }, history, start, count, windows, origins, scales);
      for (let j = 0; j < count; j++) {
        const w = history.map((values) => values[start + j]);
        const range = Math.max(...w) - Math.min(...w) + 1e-8 + 1e-5;
        expect(origins[j]).toBe(w[0]);
        expect(Math.abs(scales[j] / (2 * range) - 1)).toBeLessThan(1e-12);
        for (const [i, value] of w.entries()) {
          const expected = (value - w[0]) / range / 2;
          const difference = Math.abs(windows[j * inputLength + i] - expected);
          expect(difference).toBeLessThanOrEqual(6e-8 * Math.abs(expected));
        }
      }
    });

  for (const inputLength of [5, 7])
    it(`of length ${inputLength} are not numbers where one value is none`, () => {
      const history = drawHistory(inputLength);
      history[2][1] = Number.NaN;
      const windows = new Float32Array(3 * inputLength);
      const ends = [new Float64Array(3), new Float64Array(3)] as const;
      normalizeWindows({ inputLength, normalization: 'range' }, history, 0, 3, windows, ...ends);
      const finite = [0, 1, 2].map((j) =>
        windows.subarray(j * inputLength, (j + 1) * inputLength).every(Number.isFinite),
      );
      expect(finite).toEqual([true, false, true]);
    });
});
