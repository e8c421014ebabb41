// Normalizes windows of raw weights to network inputs and converts network outputs back to weights. Shared by dataset,
// callback and evaluate. Arithmetic is float64; only stored results are float32.

import type { NowcasterSpec } from '../network/spec.js';
import { scaleOfTensor, type TensorStatistics } from './tensorStatistics.js';

/** Added to maximum minus minimum, as in the paper's code. */
const RANGE_EPSILON = 1e-8;
/** Added to the range again, as in the paper's code. */
const SCALE_EPSILON = 1e-5;

/** The normalization of one window: `raw = normalized * scale + origin`. */
export interface Scaling {
  /** The window's first value, or 0 without normalization. */
  origin: number;
  /** `2 * range`; the root mean square of the tensor's changes; or 1 without normalization. */
  scale: number;
}

/** Twice the paper's range of a window with these extremes: `2 * ((max - min + 1e-8) + 1e-5)`. */
export function scaleOfExtent(minimum: number, maximum: number): number {
  return 2 * (maximum - minimum + RANGE_EPSILON + SCALE_EPSILON);
}

/**
 * Normalizes `count` windows of one tensor at once: `x[i] = (w[i] - w[0]) / scale`. By range or without normalization they may
 * be of several tensors.
 *
 * @param raw raw weights, one array per epoch of the window, oldest first: `raw[i][j]` is scalar j in epoch i.
 * @param start the first of the `count` scalars.
 * @param windows receives [count, L] row-major normalized windows.
 * @param origins receives the origin of each window.
 * @param scales receives the scale of each window.
 * @param statistics of the tensor; needed for the normalization `tensor`.
 */
export function normalizeWindows(
  spec: Pick<NowcasterSpec, 'inputLength' | 'normalization'>,
  raw: readonly Float32Array[],
  start: number,
  count: number,
  windows: Float32Array,
  origins: Float64Array | Float32Array,
  scales: Float64Array | Float32Array,
  statistics?: TensorStatistics,
): void {
  const length = spec.inputLength;
  const byRange = spec.normalization === 'range';
  const byTensor = spec.normalization === 'tensor';
  if (byTensor && statistics === undefined) throw new Error('normalization by tensor without its statistics');
  const tensorScale = byTensor ? scaleOfTensor(statistics as TensorStatistics) : 1;
  if (byRange && length === 5) {
    normalizeFive(raw, start, count, windows, origins, scales);
    return;
  }
  for (let j = 0; j < count; j++) {
    const at = start + j;
    let origin = byTensor ? raw[0][at] : 0;
    let scale = tensorScale;
    if (byRange) {
      origin = raw[0][at];
      let minimum = origin;
      let maximum = origin;
      for (let i = 1; i < length; i++) {
        const value = raw[i][at];
        minimum = lower(minimum, value);
        maximum = upper(maximum, value);
      }
      scale = scaleOfExtent(minimum, maximum);
    }
    const factor = 1 / scale;
    for (let i = 0; i < length; i++) windows[j * length + i] = (raw[i][at] - origin) * factor;
    origins[j] = origin;
    scales[j] = scale;
  }
}

// Minimum and maximum without branches, which are unpredictable here: twice as fast. NaN stays NaN.
const lower = (a: number, b: number): number => (a + b - Math.abs(a - b)) / 2;
const upper = (a: number, b: number): number => (a + b + Math.abs(a - b)) / 2;

/**
 * {@link normalizeWindows} by range for the paper's length, with the window in local variables: twice as fast, which
 * matters when millions of weights are nowcast.
 */
function normalizeFive(
  [r0, r1, r2, r3, r4]: readonly Float32Array[],
  start: number,
  count: number,
  windows: Float32Array,
  origins: Float64Array | Float32Array,
  scales: Float64Array | Float32Array,
): void {
  for (let j = 0, k = 0; j < count; j++, k += 5) {
    const at = start + j;
    const w0 = r0[at];
    const w1 = r1[at];
    const w2 = r2[at];
    const w3 = r3[at];
    const w4 = r4[at];
    const minimum = lower(lower(lower(w0, w1), lower(w2, w3)), w4);
    const maximum = upper(upper(upper(w0, w1), upper(w2, w3)), w4);
    const scale = scaleOfExtent(minimum, maximum);
    const factor = 1 / scale;
    windows[k] = (w0 - w0) * factor;
    windows[k + 1] = (w1 - w0) * factor;
    windows[k + 2] = (w2 - w0) * factor;
    windows[k + 3] = (w3 - w0) * factor;
    windows[k + 4] = (w4 - w0) * factor;
    origins[j] = w0;
    scales[j] = scale;
  }
}

/**
 * The training target of a raw future value: the network output for which {@link forecastOf} gives `future`.
 *
 * @param last the window's last raw value; without residual pass the origin instead.
 */
export function targetOf(future: number, last: number, scale: number): number {
  return (future - last) / scale;
}

/**
 * The forecast of a raw weight from the network's output: `(x[L-1] + y) * scale + origin`, or `y * scale + origin`
 * when the spec has no residual.
 *
 * @param lastNormalized the window's last normalized value, x[L-1].
 */
export function forecastOf(
  spec: Pick<NowcasterSpec, 'residual'>,
  output: number,
  lastNormalized: number,
  { origin, scale }: Scaling,
): number {
  return ((spec.residual ? lastNormalized : 0) + output) * scale + origin;
}
