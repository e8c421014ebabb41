// The baselines against a line fitted by the normal equations, for random windows.

import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { baselinesOf, lineCoefficients } from '../../src/train/baselines.js';

/** Slope and intercept by the normal equations, evaluated at the position. */
function fitLine(x: number[], position: number): number {
  const n = x.length;
  let [st, sx, stt, stx] = [0, 0, 0, 0];
  x.forEach((value, t) => {
    st += t;
    sx += value;
    stt += t * t;
    stx += t * value;
  });
  const slope = (n * stx - st * sx) / (n * stt - st * st);
  return (sx - slope * st) / n + slope * position;
}

const dot = (c: Float64Array, x: number[]) => x.reduce((sum, value, i) => sum + c[i] * value, 0);

describe('lineCoefficients', () => {
  it('evaluate the least-squares line at the horizon', () => {
    fc.assert(
      fc.property(
        fc.array(fc.double({ min: -1, max: 1, noNaN: true }), { minLength: 2, maxLength: 20 }),
        fc.integer({ min: 1, max: 20 }),
        (x, horizon) => {
          const got = dot(lineCoefficients(x.length, horizon), x);
          expect(got).toBeCloseTo(fitLine(x, x.length - 1 + horizon), 8);
        },
      ),
    );
  });
});

describe('baselinesOf', () => {
  it('answers relative to the last value with a residual, from the first without', () => {
    const x = [0, 0.1, 0.15, 0.3, 0.35];
    const spec = { ...PAPER_SPEC, horizons: [1, 5] };
    const relative = baselinesOf(spec);
    expect(dot(relative.noChange, x)).toBe(0);
    expect(dot(relative.linear[1], x)).toBeCloseTo(fitLine(x, 9) - 0.35, 10);
    const absolute = baselinesOf({ ...spec, residual: false });
    expect(dot(absolute.noChange, x)).toBe(0.35);
    expect(dot(absolute.linear[0], x)).toBeCloseTo(fitLine(x, 5), 10);
  });
});
