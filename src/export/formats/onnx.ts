// A network as an ONNX model: its named inputs and one output, any number of rows.

import { type Operation, operandsOf } from '../../network/graph.js';
import type { Network } from '../../network/network.js';
import type { NowcasterSpec } from '../../network/spec.js';
import { KIND_FILE_NAMES } from '../../nowcaster/spec.js';
import { TOOLKIT_VERSION } from '../../version.js';
import { formatOfFiles } from './format.js';
import { encodeOnnxModel, ONNX_ATTRIBUTE, ONNX_TENSOR } from './onnxSchema.js';

/** Version 13 of the operators and 8 of the format: read by every runtime since 2021. */
const OPSET = 13;
const IR_VERSION = 8;

/** Name of the output, [batch, horizons]. */
const OUTPUT = 'outputs';

interface OnnxNode {
  opType: string;
  name: string;
  input: string[];
  output: string[];
  attribute: object[];
}

interface OnnxTensor {
  name: string;
  dims: number[];
  dataType: number;
  rawData: Uint8Array;
}

/** Collects the nodes and constants of a graph. A value is named after the node that makes it. */
class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxTensor[] = [];
  /** Names of the values of the operations so far, by the operations' names. */
  readonly #values = new Map<string, string>();

  constructor(
    readonly network: Network,
    /** Name of the operation that is the output. */
    readonly last: string,
  ) {}

  add(operation: Operation): void {
    this.#values.set(operation.name, this.#build(operation));
  }

  #node(opType: string, name: string, input: string[], attribute: object[] = []): string {
    this.nodes.push({ opType, name, input, output: [name], attribute });
    return name;
  }

  #constant(name: string, value: number): string {
    const rawData = new Uint8Array(BigInt64Array.of(BigInt(value)).buffer);
    this.constants.push({ name, dims: [1], dataType: ONNX_TENSOR.int64, rawData });
    return name;
  }

  #differences(name: string, of: string, length: number): string {
    const at = (part: string, value: number) => this.#constant(`${name}_${part}`, value);
    const [zero, one, end, last] = [at('zero', 0), at('one', 1), at('length', length), at('last', length - 1)];
    const later = this.#node('Slice', `${name}_later`, [of, one, end, one]);
    const earlier = this.#node('Slice', `${name}_earlier`, [of, zero, last, one]);
    return this.#node('Sub', name, [later, earlier]);
  }

  #build(operation: Operation): string {
    const operands = operandsOf(operation).map((name) => this.#values.get(name) as string);
    const name = operation.name === this.last ? OUTPUT : operation.name;
    switch (operation.op) {
      case 'input':
        return operation.input;
      case 'differences':
        return this.#differences(name, operands[0], this.network.widths.get(operation.of) as number);
      case 'dense': {
        const { name: layer, activation } = operation;
        const inputs = [operands[0], `${layer}/kernel`, `${layer}/bias`];
        if (activation === undefined) return this.#node('Gemm', name, inputs);
        const sums = this.#node('Gemm', layer, inputs);
        const activated = name === OUTPUT ? OUTPUT : `${layer}_${activation}`;
        return this.#node(activation === 'relu' ? 'Relu' : 'Tanh', activated, [sums]);
      }
      case 'relu':
        return this.#node('Relu', name, operands);
      case 'exp':
        return this.#node('Exp', name, operands);
      case 'tanh':
        return this.#node('Tanh', name, operands);
      case 'leakyRelu':
        return this.#node('LeakyRelu', name, operands, [
          { name: 'alpha', f: operation.slope, type: ONNX_ATTRIBUTE.float },
        ]);
      case 'multiply':
        return this.#node('Mul', name, operands);
      case 'add':
        return this.#node('Add', name, operands);
      case 'concat':
        return this.#node('Concat', name, operands, [{ name: 'axis', i: 1, type: ONNX_ATTRIBUTE.int }]);
      default:
        return operation satisfies never;
    }
  }
}

const valueInfo = (name: string, columns: number) => ({
  name,
  type: {
    tensorType: { elemType: ONNX_TENSOR.float, shape: { dim: [{ dimParam: 'batch' }, { dimValue: columns }] } },
  },
});

/**
 * Encodes a network as ONNX. Inputs: the network's named inputs, float32 [batch, width], e.g. `window`, normalized;
 * output `outputs` float32 [batch, horizons]. The same input gives the same bytes.
 *
 * @param name of the graph.
 * @param parameters flat parameters in the network's layout.
 */
export function encodeOnnx(name: string, spec: NowcasterSpec, network: Network, parameters: Float32Array): Uint8Array {
  const graph = new GraphBuilder(network, network.graph[network.graph.length - 1].name);
  for (const operation of network.graph) graph.add(operation);
  const weights = network.arrays.map(
    (array): OnnxTensor => ({
      name: array.name,
      dims: array.shape,
      dataType: ONNX_TENSOR.float,
      rawData: new Uint8Array(parameters.slice(array.start, array.end).buffer),
    }),
  );
  return encodeOnnxModel({
    irVersion: IR_VERSION,
    producerName: 'weight-nowcaster',
    producerVersion: TOOLKIT_VERSION,
    opsetImport: [{ domain: '', version: OPSET }],
    graph: {
      name,
      node: graph.nodes,
      initializer: [...weights, ...graph.constants],
      input: network.inputs.map((input) => valueInfo(input.name, input.width)),
      output: [valueInfo(OUTPUT, network.outputWidth)],
    },
    metadataProps: [{ key: 'spec', value: JSON.stringify(spec) }],
  });
}

export const onnx = formatOfFiles(
  'onnx',
  'ONNX runtimes, opset 13',
  (kind, tag) => `NWNN_${KIND_FILE_NAMES[kind]}_${tag}.onnx`,
  (kind, parameters, { spec, network }) => encodeOnnx(`nowcaster_${kind}`, spec, network, parameters),
);
