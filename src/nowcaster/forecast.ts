// From the recorded values of a tensor to its forecast: normalise, ask the network, turn its answers into weights.
// Works in blocks so that memory stays bounded however large the tensor is.

import { MismatchError } from '../errors.js';
import type { WnnCompute } from './compute.js';
import { forecastOf, normaliseWindows } from './normalise.js';
import type { WnnSpec } from './spec.js';

/** Scalars that go through the network at once, where the compute has no wish. */
const BLOCK = 32_768;

/** Options of {@link forecast}. */
export interface ForecastOptions {
  /** Epochs ahead of the window's last value; one of the spec's horizons. Default: the farthest. */
  horizon?: number;
  /**
   * `published` reproduces, for comparisons, the published callback's fault on biases: the residual is added to the
   * raw last weight where the normalised one belongs, `(w[L-1] + y) * scale + w[0]`. Default `normal`.
   */
  bias?: 'normal' | 'published';
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
  const index = horizonIndex(spec, horizon);
  const outputs = spec.horizons.length;
  const block = Math.min(compute.block ?? BLOCK, out.length);
  const windows = new Float32Array(block * length);
  const origins = new Float64Array(block);
  const scales = new Float64Array(block);
  const answers = new Float32Array(block * outputs);
  const last = history[length - 1];
  const scaling = { origin: 0, scale: 1 };
  for (let start = 0; start < out.length; start += block) {
    const count = Math.min(block, out.length - start);
    normaliseWindows(spec, history, start, count, windows, origins, scales);
    await compute.forward(parameters, windows, count, answers);
    for (let j = 0; j < count; j++) {
      const base = bias === 'published' ? last[start + j] : windows[j * length + length - 1];
      scaling.origin = origins[j];
      scaling.scale = scales[j];
      out[start + j] = forecastOf(spec, answers[j * outputs + index], base, scaling);
    }
  }
}
