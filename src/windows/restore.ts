// Converts network outputs back to weights, one block of windows at a time.

import type { ForecastOutput } from '../network/compute.js';
import type { NowcasterSpec } from '../network/spec.js';
import { forecastOf } from './normalize.js';

/** Intermediate buffers for a block of windows. */
export interface ForecastBuffers {
  /** [block, L] normalized windows. */
  windows: Float32Array;
  origins: Float64Array;
  scales: Float64Array;
  /** [block, horizons]. */
  outputs: Float32Array;
}

/** Allocates the buffers for `block` windows. */
export function createForecastBuffers(spec: NowcasterSpec, block: number): ForecastBuffers {
  return {
    windows: new Float32Array(block * spec.inputLength),
    origins: new Float64Array(block),
    scales: new Float64Array(block),
    outputs: new Float32Array(block * spec.horizons.length),
  };
}

/**
 * Turns the outputs for a block of windows into forecasts: `out[start + j]` of the block's window j.
 *
 * @param last raw values of the window's last snapshot; `start` is the block's first.
 */
export function restoreWeights(
  spec: NowcasterSpec,
  last: Float32Array,
  start: number,
  count: number,
  { windows, origins, scales, outputs }: ForecastBuffers,
  { index, bias }: ForecastOutput,
  out: Float32Array,
): void {
  const length = spec.inputLength;
  const horizons = spec.horizons.length;
  const scaling = { origin: 0, scale: 1 };
  for (let j = 0; j < count; j++) {
    const base = bias === 'published' ? last[start + j] : windows[j * length + length - 1];
    scaling.origin = origins[j];
    scaling.scale = scales[j];
    out[start + j] = forecastOf(spec, outputs[j * horizons + index], base, scaling);
  }
}
