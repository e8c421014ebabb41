// From the recorded values of tensors to their forecast: the inputs of the network, its outputs, and weights again.
// Works in blocks so that memory stays bounded however large the tensors are.

import { MismatchError } from '../errors.js';
import type { ForecastOutput, NetworkCompute } from '../network/compute.js';
import type { NowcasterSpec } from '../network/spec.js';
import { fillRows, inputColumns, isWindowOnly } from '../windows/inputs/index.js';
import type { TensorInfo } from '../windows/inputs/input.js';
import { normalizeWindows } from '../windows/normalize.js';
import { createForecastBuffers, restoreWeights } from '../windows/restore.js';
import { tensorStatistics } from '../windows/tensorStatistics.js';
import { inputsOf } from './spec.js';

/** Scalars that go through the network at once, where the compute has no wish. */
const BLOCK = 32_768;

/** Options of {@link forecast}. */
export interface ForecastOptions {
  /** Snapshots ahead of the window's last value; one of the spec's horizons. Default: the farthest. */
  horizon?: number;
  /**
   * `published` reproduces, for comparisons, the published callback's fault on biases: the residual is added to the
   * raw last weight where the normalized one belongs, `(w[L-1] + y) * scale + w[0]`. Default `normal`.
   */
  bias?: ForecastOutput['bias'];
  /** The tensors that the values belong to; needed for families with other inputs than the window, and normalization by tensor. */
  tensors?: readonly TensorExtent[];
}

/** A tensor among the values of several: it has `size` values from `offset` on, row-major. */
export interface TensorExtent extends TensorInfo {
  offset: number;
  size: number;
}

/** Position of a horizon, given in snapshots, among the spec's outputs; the last without one. */
export function horizonIndex(spec: NowcasterSpec, horizon: number | undefined): number {
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
 * Forecasts every scalar of tensors of one kind. Windows that do not change go through the network like all others.
 *
 * @param parameters flat parameters of the network for the tensor's kind.
 * @param history raw values, L arrays of equal length, oldest first.
 * @param out receives the forecasts; may be one of the history's arrays.
 * @throws {@link MismatchError} when history or horizon do not fit the spec.
 */
export async function forecast(
  compute: NetworkCompute,
  parameters: Float32Array,
  history: readonly Float32Array[],
  out: Float32Array,
  { horizon, bias = 'normal', tensors }: ForecastOptions = {},
): Promise<void> {
  const { spec } = compute;
  const length = spec.inputLength;
  if (history.length !== length || history.some((values) => values.length !== out.length))
    throw new MismatchError({
      what: `a window of ${history.length} epochs where the nowcaster needs ${length} of equal size`,
      where: 'forecast',
      remedy: 'give the last values of one kind, oldest first',
    });
  const output = { index: horizonIndex(spec, horizon), bias };
  if (compute.forecast !== undefined) {
    await compute.forecast(parameters, history, out, output);
    return;
  }
  const inputs = inputsOf(spec.family);
  const columns = isWindowOnly(inputs) ? null : inputColumns(inputs, spec);
  const byTensor = columns !== null || spec.normalization === 'tensor';
  const last = history[length - 1];
  const block = Math.min(compute.block ?? BLOCK, out.length);
  const buffers = createForecastBuffers(spec, block);
  const rows = columns && new Float32Array(block * columns.reduce((sum, { width }) => sum + width, 0));
  const positions = new Uint32Array(columns ? block : 0);
  for (const tensor of byTensor ? requireTensors(tensors, out.length) : [{ offset: 0, size: out.length }]) {
    // Before the first forecast is written: `out` may be the oldest snapshot.
    const statistics = byTensor ? tensorStatistics(history, tensor.offset, tensor.size, length) : undefined;
    for (let first = 0; first < tensor.size; first += block) {
      const count = Math.min(block, tensor.size - first);
      const start = tensor.offset + first;
      normalizeWindows(spec, history, start, count, buffers.windows, buffers.origins, buffers.scales, statistics);
      if (columns && rows && statistics) {
        for (let j = 0; j < count; j++) positions[j] = first + j;
        const { windows, scales } = buffers;
        const info = tensor as TensorExtent;
        fillRows(columns, { spec, tensor: info, statistics, count, positions, history, start, windows, scales }, rows);
      }
      await compute.forward(parameters, rows ?? buffers.windows, count, buffers.outputs);
      restoreWeights(spec, last, start, count, buffers, output, out);
    }
  }
}

function requireTensors(tensors: readonly TensorExtent[] | undefined, size: number): readonly TensorExtent[] {
  if (tensors?.reduce((sum, tensor) => sum + tensor.size, 0) === size) return tensors;
  throw new MismatchError({
    what: `${tensors === undefined ? 'no tensors' : 'tensors of another size'} for ${size} values`,
    where: 'forecast',
    remedy: 'give the tensors that the values belong to: the family looks at more than the window',
  });
}
