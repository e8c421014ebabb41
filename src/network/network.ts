// A network: its graph, and the offsets of each dense layer's parameters in one flat array.

import { type DenseOperation, type Graph, widthsOf } from './graph.js';

/** A named input of a sample, and its number of values. */
export interface InputColumns {
  name: string;
  width: number;
}

/** One dense layer: its size and its offsets in the flat array. */
export interface DenseLayer {
  /** Name of its operation, unique in the network. */
  name: string;
  operation: DenseOperation;
  inputs: number;
  units: number;
  /** First index of the kernel, [inputs, units] row-major. */
  kernel: number;
  /** First index of the bias, [units]. */
  bias: number;
}

/** One array of a network's parameters. */
export interface ParameterArray {
  /** `<layer>/kernel` or `<layer>/bias`. */
  name: string;
  shape: number[];
  /** Its values are [start, end) of the flat array. */
  start: number;
  end: number;
}

/** L1 penalties of penalized layers. */
export interface Penalties {
  kernel: number;
  bias: number;
}

/** A network as engines and file formats use it. */
export interface Network {
  graph: Graph;
  /** The inputs of a sample, in the order of a row. */
  inputs: readonly InputColumns[];
  /** Width of a row: the values of all inputs of a sample. */
  inputWidth: number;
  /** Width of each operation's output, by name. */
  widths: ReadonlyMap<string, number>;
  /** Values of an output row. */
  outputWidth: number;
  /** In the order of the graph, which is the order of their parameters in every file. */
  layers: readonly DenseLayer[];
  /** Kernel then bias, layer by layer. */
  arrays: readonly ParameterArray[];
  /** Number of parameters. */
  size: number;
  penalties: Penalties;
}

/**
 * Computes the parameter layout of a network.
 *
 * @throws Error when the graph is not well-formed.
 */
export function layOut(
  graph: Graph,
  inputs: readonly InputColumns[],
  penalties: Penalties = { kernel: 0, bias: 0 },
): Network {
  const widths = widthsOf(graph, Object.fromEntries(inputs.map(({ name, width }) => [name, width])));
  const layers: DenseLayer[] = [];
  let size = 0;
  for (const operation of graph) {
    if (operation.op !== 'dense') continue;
    const { name, of, units } = operation;
    const width = widths.get(of) as number;
    const bias = size + width * units;
    layers.push({ name, operation, inputs: width, units, kernel: size, bias });
    size = bias + units;
  }
  return {
    graph,
    inputs,
    inputWidth: inputs.reduce((sum, { width }) => sum + width, 0),
    widths,
    outputWidth: widths.get(graph[graph.length - 1].name) as number,
    layers,
    arrays: layers.flatMap(({ name, inputs, units, kernel, bias }) => [
      { name: `${name}/kernel`, shape: [inputs, units], start: kernel, end: bias },
      { name: `${name}/bias`, shape: [units], start: bias, end: bias + units },
    ]),
    size,
    penalties,
  };
}
