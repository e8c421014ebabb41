import { describe, expect, it } from 'vitest';
import { CURVES } from '../../../src/evaluate/methods/curves/index.js';
import { extrapolationWeights } from '../../../src/evaluate/methods/curves/polynomial.js';
import { Random } from '../../../src/random.js';

type CurveName = keyof typeof CURVES;
const CURVE_NAMES = Object.keys(CURVES) as CurveName[];

/** Windows of many scalars that follow `a + b * shape(t)` with random a and b: [epoch][scalar]. */
function draw(shape: (t: number) => number, times: number[], count = 50): Float32Array[] {
  const random = new Random('curves');
  const [a, b] = [0, 0].map(() => Float64Array.from({ length: count }, () => random.normal()));
  return times.map((t) => Float32Array.from({ length: count }, (_, j) => a[j] + b[j] * shape(t)));
}

const extend = (name: CurveName, shape: (t: number) => number) => {
  const [w0, w1, w2, w3, w4, truth] = draw(shape, [0, 1, 2, 3, 4, 9]);
  const out = new Float32Array(truth.length);
  CURVES[name]([w0, w1, w2, w3, w4], 5, out);
  return { out, truth, last: w4 };
};

/** A curve of each family, with parameters on its grid. */
const SHAPES: Record<CurveName, (t: number) => number> = {
  linear: (t) => t,
  quadratic: (t) => 0.3 * t * t - t,
  exponential: (t) => Math.exp(-0.35 * t),
  'x-exponential': (t) => t * Math.exp(-0.5 * t),
  sigmoid: (t) => 1 / (1 + Math.exp(-(t - 3) / 1)),
  power: (t) => Math.sqrt(t + 1),
  'michaelis-menten': (t) => t / (3 + t),
};

describe('curves', () => {
  for (const name of CURVE_NAMES) {
    it(`${name} continues its own curve`, () => {
      const { out, truth } = extend(name, SHAPES[name]);
      for (const [j, value] of out.entries()) expect(value).toBeCloseTo(truth[j], 4);
    });

    it(`${name} leaves a window that does not move, and may write over the oldest values`, () => {
      const values = Float32Array.of(0.1, -3e-8, 7, 0);
      const history = Array.from({ length: 5 }, () => values.slice());
      CURVES[name](history, 5, history[0]);
      for (const [j, value] of history[0].entries()) expect(value).toBeCloseTo(values[j], 6);
    });

    it(`${name} stays finite and within bounds on noise`, () => {
      const random = new Random(3);
      const history = Array.from({ length: 5 }, () => Float32Array.from({ length: 2000 }, () => random.normal()));
      const out = new Float32Array(2000);
      CURVES[name](history, 5, out);
      for (const value of out) expect(Math.abs(value)).toBeLessThan(60);
    });
  }

  it('the saturating ones forecast a saturating curve better than a straight line does, off their grids too', () => {
    const error = (name: CurveName) => {
      const { out, truth } = extend(name, (t) => 1 - Math.exp(-0.42 * t));
      return out.reduce((sum, value, j) => sum + Math.abs(value - truth[j]), 0);
    };
    for (const name of ['exponential', 'michaelis-menten', 'sigmoid'] as const)
      expect(error(name)).toBeLessThan(0.6 * error('linear'));
  });

  it('linear is the textbook regression', () => {
    const w = [0.3, -0.1, 0.9, 0.2, 1.4];
    const meanT = 2;
    const meanW = w.reduce((sum, value) => sum + value, 0) / 5;
    const slope = w.reduce((sum, value, t) => sum + (t - meanT) * (value - meanW), 0) / 10;
    const weights = extrapolationWeights(5, 1, 5);
    expect(weights.reduce((sum, c, t) => sum + c * w[t], 0)).toBeCloseTo(meanW + slope * (9 - meanT), 12);
  });

  it('quadratic through three points is their parabola', () => {
    const weights = extrapolationWeights(3, 2, 2);
    // 1, 4, 9 at 0, 1, 2 is (t + 1)^2, which is 25 at 4.
    expect(weights[0] * 1 + weights[1] * 4 + weights[2] * 9).toBeCloseTo(25, 10);
  });
});
