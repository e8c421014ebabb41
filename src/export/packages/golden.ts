// Golden values that a package carries and tests itself by: forecasts in float64 by a plain loop over the graph, one window
// at a time. Shares nothing with the engines but the definition of the network.

import { type Operation, operandsOf } from '../../network/graph.js';
import type { Network } from '../../network/network.js';
import type { NowcasterSpec } from '../../network/spec.js';
import { networkOf, type TrainedKind } from '../../nowcaster/spec.js';
import { Random } from '../../random.js';
import { fillRows, inputColumns } from '../../windows/inputs/index.js';
import type { TensorInfo } from '../../windows/inputs/input.js';
import { forecastOf, scaleOfExtent } from '../../windows/normalize.js';
import { scaleOfTensor, tensorStatistics } from '../../windows/tensorStatistics.js';

/** Windows of one tensor and their forecasts. */
export interface GoldenForecasts {
  /** Name and shape of the tensor, whose scalars the windows are of. */
  tensor: Pick<TensorInfo, 'name' | 'shape'>;
  /** Raw weights, exact in float32, oldest first: `windows[i]` has L values. */
  windows: number[][];
  /** Raw forecasts: `forecasts[i]` has one value a horizon. */
  forecasts: number[][];
}

const WINDOWS = 24;
/** Tensors of as many scalars, each of a role of its own. */
const GOLDEN_TENSORS: Record<TrainedKind, Pick<TensorInfo, 'name' | 'shape'>> = {
  conv: { name: 'conv2d/kernel', shape: [2, 2, 2, 3] },
  fc: { name: 'gru/recurrent_kernel', shape: [4, 6] },
  bias: { name: 'dense/bias', shape: [24] },
  norm: { name: 'norm/gamma', shape: [24] },
  embedding: { name: 'embedding/embeddings', shape: [8, 3] },
};

function applyOperation(
  operation: Operation,
  operands: number[][],
  inputs: Readonly<Record<string, number[]>>,
  network: Network,
  parameters: Float32Array,
): number[] {
  const [a, b] = operands;
  switch (operation.op) {
    case 'input':
      return inputs[operation.input];
    case 'differences':
      return a.slice(1).map((x, i) => x - a[i]);
    case 'dense': {
      const { kernel, bias, units } = network.layers.find(({ name }) => name === operation.name)!;
      const sums = Array.from({ length: units }, (_, u) =>
        a.reduce((sum, x, i) => sum + x * parameters[kernel + i * units + u], parameters[bias + u]),
      );
      if (operation.activation === undefined) return sums;
      return sums.map(operation.activation === 'relu' ? (x) => Math.max(x, 0) : Math.tanh);
    }
    case 'relu':
      return a.map((x) => Math.max(x, 0));
    case 'exp':
      return a.map(Math.exp);
    case 'tanh':
      return a.map(Math.tanh);
    case 'leakyRelu':
      return a.map((x) => (x > 0 ? x : operation.slope * x));
    case 'multiply':
      return a.map((x, i) => x * b[i]);
    case 'add':
      return a.map((x, i) => x + b[i]);
    case 'concat':
      return operands.flat();
    default:
      return operation satisfies never;
  }
}

/** The inputs of the network besides the window, of all windows of a tensor: a row a window. */
function furtherInputs(spec: NowcasterSpec, network: Network, tensor: TensorInfo, windows: number[][]) {
  const columns = inputColumns(
    network.inputs.map(({ name }) => name).filter((name) => name !== 'window'),
    spec,
  );
  const history = Array.from({ length: spec.inputLength }, (_, i) => Float32Array.from(windows, (raw) => raw[i]));
  const statistics = tensorStatistics(history, 0, WINDOWS, spec.inputLength);
  const stride = columns.reduce((sum, { width }) => sum + width, 0);
  const rows = new Float32Array(WINDOWS * stride);
  const positions = Uint32Array.from({ length: WINDOWS }, (_, i) => i);
  const nothing = { windows: new Float32Array(0), scales: new Float64Array(0) };
  fillRows(columns, { spec, tensor, statistics, count: WINDOWS, positions, history, start: 0, ...nothing }, rows);
  const of = (row: number) => {
    const values = [...rows.subarray(row * stride, (row + 1) * stride)];
    return Object.fromEntries(columns.map(({ name, width }) => [name, values.splice(0, width)]));
  };
  return { scale: scaleOfTensor(statistics), of };
}

function forecastTensor(
  spec: NowcasterSpec,
  network: Network,
  parameters: Float32Array,
  { windows, tensor }: { windows: number[][]; tensor: TensorInfo },
): number[][] {
  const further = furtherInputs(spec, network, tensor, windows);
  return windows.map((raw, row) => {
    const scaling = {
      none: { origin: 0, scale: 1 },
      range: { origin: raw[0], scale: scaleOfExtent(Math.min(...raw), Math.max(...raw)) },
      tensor: { origin: raw[0], scale: further.scale },
    }[spec.normalization];
    const window = raw.map((value) => (value - scaling.origin) / scaling.scale);
    const inputs = { window, ...further.of(row) };
    const outputs = new Map<string, number[]>();
    let last: number[] = [];
    for (const operation of network.graph) {
      const operands = operandsOf(operation).map((name) => outputs.get(name)!);
      last = applyOperation(operation, operands, inputs, network, parameters);
      outputs.set(operation.name, last);
    }
    return last.map((output) => forecastOf(spec, output, window[window.length - 1], scaling));
  });
}

/** Weights as they move in training, and the two windows that are easily got wrong: one that stands still, one far from 0. */
function drawWindows({ inputLength }: NowcasterSpec, kind: TrainedKind): number[][] {
  const random = new Random('golden', kind);
  return Array.from({ length: WINDOWS }, (_, n) => {
    let value = (n === 1 ? 3 : 0.2) * random.normal();
    const drift = n === 0 ? 0 : 0.02 * random.normal();
    return Array.from({ length: inputLength }, () => {
      value += n === 0 ? 0 : drift + 0.02 * random.normal();
      return Math.fround(value);
    });
  });
}

/** Golden forecasts of each kind. */
export function goldenForecasts(
  spec: NowcasterSpec,
  parameters: Partial<Record<TrainedKind, Float32Array>>,
): Partial<Record<TrainedKind, GoldenForecasts>> {
  const network = networkOf(spec);
  return Object.fromEntries(
    Object.entries(parameters).map(([kind, values]) => {
      const windows = drawWindows(spec, kind as TrainedKind);
      const tensor = GOLDEN_TENSORS[kind as TrainedKind];
      const forecasts = forecastTensor(spec, network, values, { windows, tensor: { ...tensor, kind } });
      return [kind, { tensor, windows, forecasts }];
    }),
  );
}
