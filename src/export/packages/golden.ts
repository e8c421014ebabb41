// Golden values that a package carries and tests itself by: forecasts in float64 by a plain loop over the graph, one window
// at a time. Shares nothing with the engines but the definition of the network.

import { type Operation, operandsOf } from '../../network/graph.js';
import type { Network } from '../../network/network.js';
import type { NowcasterSpec } from '../../network/spec.js';
import { networkOf, type TrainedKind } from '../../nowcaster/spec.js';
import { Random } from '../../random.js';
import { forecastOf, scaleOfExtent } from '../../windows/normalize.js';

/** Windows of one kind and their forecasts. */
export interface GoldenForecasts {
  /** Raw weights, exact in float32, oldest first: `windows[i]` has L values. */
  windows: number[][];
  /** Raw forecasts: `forecasts[i]` has one value a horizon. */
  forecasts: number[][];
}

const WINDOWS = 24;

function applyOperation(
  operation: Operation,
  operands: number[][],
  window: number[],
  network: Network,
  parameters: Float32Array,
): number[] {
  const [a, b] = operands;
  switch (operation.op) {
    case 'input':
      return window;
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

function forecastWindow(spec: NowcasterSpec, network: Network, parameters: Float32Array, raw: number[]): number[] {
  const scaling =
    spec.normalization === 'range'
      ? { origin: raw[0], scale: scaleOfExtent(Math.min(...raw), Math.max(...raw)) }
      : { origin: 0, scale: 1 };
  const window = raw.map((value) => (value - scaling.origin) / scaling.scale);
  const outputs = new Map<string, number[]>();
  let last: number[] = [];
  for (const operation of network.graph) {
    const operands = operandsOf(operation).map((name) => outputs.get(name)!);
    last = applyOperation(operation, operands, window, network, parameters);
    outputs.set(operation.name, last);
  }
  return last.map((output) => forecastOf(spec, output, window[window.length - 1], scaling));
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

/** Golden forecasts of each kind. @param spec of a family whose one input is the window. */
export function goldenForecasts(
  spec: NowcasterSpec,
  parameters: Partial<Record<TrainedKind, Float32Array>>,
): Partial<Record<TrainedKind, GoldenForecasts>> {
  const network = networkOf(spec);
  return Object.fromEntries(
    Object.entries(parameters).map(([kind, values]) => {
      const windows = drawWindows(spec, kind as TrainedKind);
      return [kind, { windows, forecasts: windows.map((raw) => forecastWindow(spec, network, values, raw)) }];
    }),
  );
}
