// Polynomials by least squares. The value that the fitted polynomial takes at the horizon is a fixed combination of the
// window's values, so a whole tensor takes one pass.

import type { Curve } from './curve.js';

/**
 * The combination: `sum(c[i] * w[i])` is the value, at `horizon` past the last point, of the polynomial of that degree
 * fitted by least squares to `w` at 0, 1, ..., length - 1. Points are centered, so that the normal equations stay well
 * conditioned.
 */
export function extrapolationWeights(length: number, degree: number, horizon: number): Float64Array {
  const center = (length - 1) / 2;
  const points = Array.from({ length }, (_, i) => i - center);
  const size = degree + 1;
  // Normal equations (V'V) a = V' w, solved for the row that gives p(target) = t' (V'V)^-1 V' w.
  const target = length - 1 + horizon - center;
  const rows = Array.from({ length: size }, (_, r) => [
    ...Array.from({ length: size }, (_, c) => points.reduce((sum, x) => sum + x ** (r + c), 0)),
    target ** r,
  ]);
  for (let pivot = 0; pivot < size; pivot++) {
    for (let r = 0; r < size; r++) {
      if (r === pivot) continue;
      const factor = rows[r][pivot] / rows[pivot][pivot];
      for (let c = pivot; c <= size; c++) rows[r][c] -= factor * rows[pivot][c];
    }
  }
  const solution = rows.map((row, r) => row[size] / row[r]);
  return Float64Array.from(points, (x) => solution.reduce((sum, s, r) => sum + s * x ** r, 0));
}

function polynomial(degree: number): Curve {
  return (history, horizon, out) => {
    const weights = extrapolationWeights(history.length, degree, horizon);
    for (let j = 0; j < out.length; j++) {
      let sum = 0;
      for (let i = 0; i < weights.length; i++) sum += weights[i] * history[i][j];
      out[j] = sum;
    }
  };
}

/** A straight line by least squares: the paper's linear extrapolation. */
export const linear = polynomial(1);

/** A polynomial of the second degree by least squares. */
export const quadratic = polynomial(2);
