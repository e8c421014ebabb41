// Curves of the form a + b * shape(t; theta), fitted per scalar by least squares. For a given theta the best a and b are
// linear in the window's values (variable projection, Golub and Pereyra, 1973), and theta is taken from a fixed grid: no
// start values, no iterations that could run away, and a whole tensor in one pass.

import type { Curve } from './curve.js';

/** The shape of a curve for one choice of its nonlinear parameters; `t` counts epochs from the window's first. */
type Shape = (t: number) => number;

/**
 * Farthest that a curve may go past the window's mean, in units of its own deviation (root of the sum of squares) within
 * the window. Steeper shapes say nearly nothing about the window and anything about the horizon.
 */
const FARTHEST = 10;

/**
 * The curve fit over a grid of shapes: for each scalar the shape with the least squared error. A window that does not
 * move is extended as it is.
 */
function separable(shapes: readonly Shape[]): Curve {
  return (history, horizon, out) => {
    const length = history.length;
    // Of each shape: its centered values over the window at unit length, and the same step at the horizon.
    const directions = new Float64Array(shapes.length * length);
    const reaches = new Float64Array(shapes.length);
    let used = 0;
    for (const shape of shapes) {
      const values = Array.from({ length }, (_, t) => shape(t));
      const mean = values.reduce((sum, value) => sum + value, 0) / length;
      const norm = Math.hypot(...values.map((value) => value - mean));
      const reach = (shape(length - 1 + horizon) - mean) / norm;
      if (!(Math.abs(reach) <= FARTHEST)) continue;
      for (let t = 0; t < length; t++) directions[used * length + t] = (values[t] - mean) / norm;
      reaches[used++] = reach;
    }
    const window = new Float64Array(length);
    for (let j = 0; j < out.length; j++) {
      let mean = 0;
      for (let t = 0; t < length; t++) mean += history[t][j];
      mean /= length;
      for (let t = 0; t < length; t++) window[t] = history[t][j] - mean;
      // The squared error is that of the mean alone less the squared projection.
      let projection = 0;
      let reach = 0;
      for (let s = 0; s < used; s++) {
        let sum = 0;
        for (let t = 0; t < length; t++) sum += directions[s * length + t] * window[t];
        if (Math.abs(sum) <= Math.abs(projection)) continue;
        projection = sum;
        reach = reaches[s];
      }
      out[j] = mean + projection * reach;
    }
  };
}

/** Rates of growth and decay an epoch. */
const RATES = [-2, -1.5, -1, -0.7, -0.5, -0.35, -0.25, -0.15, -0.1, -0.05, 0.05, 0.1, 0.15, 0.2, 0.25, 0.3];

/** a + b e^(rt). */
export const exponential = separable(RATES.map((rate) => (t) => Math.exp(rate * t)));

/** a + b t e^(rt): rises and, with negative r, comes back. */
export const timesExponential = separable(RATES.map((rate) => (t) => t * Math.exp(rate * t)));

/** a + b / (1 + e^(-(t - center) / width)): centers from before the window to the horizon. */
export const sigmoid = separable(
  [-2, 0, 1, 2, 3, 4, 6, 8].flatMap((center) =>
    [0.5, 1, 2, 4].map(
      (width): Shape =>
        (t) =>
          1 / (1 + Math.exp(-(t - center) / width)),
    ),
  ),
);

/** a + b (t + 1)^p. */
export const power = separable(
  [-3, -2, -1.5, -1, -0.75, -0.5, -0.25, 0.25, 0.5, 0.75, 1, 1.25, 1.5, 2].map(
    (exponent) => (t) => (t + 1) ** exponent,
  ),
);

/** a + b t / (k + t): Michaelis and Menten's saturation from the window's first value on. */
export const michaelisMenten = separable(
  [0.1, 0.25, 0.5, 1, 1.5, 2, 3, 4, 6, 8, 12, 20, 40].map((half) => (t) => t / (half + t)),
);
