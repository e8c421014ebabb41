// The forecasts that a nowcaster must beat: no change, and the least-squares line through the window. Both are linear
// in the window, so each is one row of coefficients.

import type { NowcasterSpec } from '../network/spec.js';

/**
 * Coefficients c such that `sum(c[i] * x[i])` is the least-squares line through x at positions 0 to L - 1, evaluated
 * at position `L - 1 + horizon`.
 */
export function lineCoefficients(inputLength: number, horizon: number): Float64Array {
  const mean = (inputLength - 1) / 2;
  let spread = 0;
  for (let i = 0; i < inputLength; i++) spread += (i - mean) ** 2;
  const distance = inputLength - 1 + horizon - mean;
  return Float64Array.from({ length: inputLength }, (_, i) => 1 / inputLength + (distance * (i - mean)) / spread);
}

/** Outputs of the baselines, as the network would give them: coefficients of the window, one row per horizon. */
export interface BaselineCoefficients {
  noChange: Float64Array;
  linear: Float64Array[];
}

/** The baselines of a spec, as outputs: relative to the window's last value where the spec has a residual. */
export function baselinesOf({ inputLength, horizons, residual }: NowcasterSpec): BaselineCoefficients {
  const last = residual ? 1 : 0;
  const noChange = new Float64Array(inputLength);
  noChange[inputLength - 1] = 1 - last;
  const linear = horizons.map((horizon) => {
    const row = lineCoefficients(inputLength, horizon);
    row[inputLength - 1] -= last;
    return row;
  });
  return { noChange, linear };
}
