// From the recorded values of a tensor to its forecast: normalize, ask the network, turn its answers into weights.
// Works in blocks so that memory stays bounded however large the tensor is.

import { MismatchError } from '../errors.js';
import type { ForecastOutput, WnnCompute } from './compute.js';
import { forecastOf, normalizeWindows } from './normalize.js';
import type { WnnSpec } from './spec.js';

/** Scalars that go through the network at once, where the compute has no wish. */
const BLOCK = 32_768;

/** Options of {@link forecast}. */
export interface ForecastOptions {
  /** Epochs ahead of the window's last value; one of the spec's horizons. Default: the farthest. */
  horizon?: number;
  /**
   * `published` reproduces, for comparisons, the published callback's fault on biases: the residual is added to the
   * raw last weight where the normalized one belongs, `(w[L-1] + y) * scale + w[0]`. Default `normal`.
   */
  bias?: ForecastOutput['bias'];
}

/** Position of a horizon, given in epochs, among the spec's outputs; the last without one. */
export function horizonIndex(spec: WnnSpec, horizon: number | undefined): number {
  if (horizon === undefined) return spec.horizons.length - 1;
  const index = spec.horizons.indexOf(horizon);
  if (index < 0)
    throw new MismatchError({
      what: `the nowcaster does not predict ${horizon} epochs ahead`,
      where: `horizon ${horizon}`,
      remedy: `use one of its horizons: ${spec.horizons.join(', ')}`,
    });
  return index;
}

/** What stands between raw values and forecasts, for a block of windows. */
export interface ForecastBuffers {
  /** [block, L] normalized windows. */
  windows: Float32Array;
  origins: Float64Array;
  scales: Float64Array;
  /** [block, horizons]. */
  answers: Float32Array;
}

/** Makes the buffers for `block` windows. */
export function createForecastBuffers(spec: WnnSpec, block: number): ForecastBuffers {
  return {
    windows: new Float32Array(block * spec.inputLength),
    origins: new Float64Array(block),
    scales: new Float64Array(block),
    answers: new Float32Array(block * spec.horizons.length),
  };
}

/**
 * Turns the answers for a block of windows into forecasts: `out[start + j]` of the block's window j.
 *
 * @param last raw values of the window's last epoch, of which `start` is the block's first.
 */
export function restoreWeights(
  spec: WnnSpec,
  last: Float32Array,
  start: number,
  count: number,
  { windows, origins, scales, answers }: ForecastBuffers,
  { index, bias }: ForecastOutput,
  out: Float32Array,
): void {
  const length = spec.inputLength;
  const outputs = spec.horizons.length;
  const scaling = { origin: 0, scale: 1 };
  for (let j = 0; j < count; j++) {
    const base = bias === 'published' ? last[start + j] : windows[j * length + length - 1];
    scaling.origin = origins[j];
    scaling.scale = scales[j];
    out[start + j] = forecastOf(spec, answers[j * outputs + index], base, scaling);
  }
}

/**
 * Forecasts every scalar of a tensor. Windows that do not change go through the network like all others.
 *
 * @param parameters flat parameters of the network for the tensor's kind.
 * @param history raw values of the tensor, L arrays of equal length, oldest first.
 * @param out receives the forecasts; may be one of the history's arrays.
 * @throws {@link MismatchError} when history or horizon do not fit the spec.
 */
export async function forecast(
  compute: WnnCompute,
  parameters: Float32Array,
  history: readonly Float32Array[],
  out: Float32Array,
  { horizon, bias = 'normal' }: ForecastOptions = {},
): Promise<void> {
  const { spec } = compute;
  const length = spec.inputLength;
  if (history.length !== length || history.some((values) => values.length !== out.length))
    throw new MismatchError({
      what: `a window of ${history.length} epochs where the nowcaster needs ${length} of equal size`,
      where: 'forecast',
      remedy: 'give the last values of one tensor, oldest first',
    });
  const output = { index: horizonIndex(spec, horizon), bias };
  if (compute.forecast !== undefined) {
    await compute.forecast(parameters, history, out, output);
    return;
  }
  const block = Math.min(compute.block ?? BLOCK, out.length);
  const buffers = createForecastBuffers(spec, block);
  for (let start = 0; start < out.length; start += block) {
    const count = Math.min(block, out.length - start);
    normalizeWindows(spec, history, start, count, buffers.windows, buffers.origins, buffers.scales);
    await compute.forward(parameters, buffers.windows, count, buffers.answers);
    restoreWeights(spec, history[length - 1], start, count, buffers, output, out);
  }
}
