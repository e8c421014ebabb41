// A network as an ONNX model: one input, the normalized windows, and one output, the answers; any number of rows.

import { LEAK, layoutOf, type Stream, streamsOf } from '../nowcaster/layout.js';
import type { WnnSpec } from '../nowcaster/spec.js';
import { arraysOf } from '../nowcaster/weightsFile.js';
import { TOOLKIT_VERSION } from '../version.js';
import { ONNX_ATTRIBUTE, ONNX_TENSOR, OnnxModel } from './onnxSchema.js';

/** Version 13 of the operators and 8 of the format: read by every runtime since 2021. */
const OPSET = 13;
const IR_VERSION = 8;

/** Name of the input, [batch, L], and of the output, [batch, horizons]. */
const INPUT = 'windows';
const OUTPUT = 'answers';

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

/** Collects the nodes and constants of a graph; each value is named after the node that makes it. */
class GraphBuilder {
  readonly nodes: OnnxNode[] = [];
  readonly constants: OnnxTensor[] = [];

  node(opType: string, name: string, input: string[], attribute: object[] = []): string {
    this.nodes.push({ opType, name, input, output: [name], attribute });
    return name;
  }

  dense(layer: string, input: string): string {
    return this.node('Gemm', layer, [input, `${layer}/kernel`, `${layer}/bias`]);
  }

  whole(name: string, value: number): string {
    const rawData = new Uint8Array(BigInt64Array.of(BigInt(value)).buffer);
    this.constants.push({ name, dims: [1], dataType: ONNX_TENSOR.int64, rawData });
    return name;
  }
}

function addDifferences(graph: GraphBuilder, length: number): string {
  const [zero, one, end] = [graph.whole('zero', 0), graph.whole('one', 1), graph.whole('length', length)];
  const last = graph.whole('last', length - 1);
  const later = graph.node('Slice', 'later', [INPUT, one, end, one]);
  const earlier = graph.node('Slice', 'earlier', [INPUT, zero, last, one]);
  return graph.node('Sub', 'differences', [later, earlier]);
}

function addStream(graph: GraphBuilder, spec: WnnSpec, stream: Stream): string {
  const input = stream === 'values' ? INPUT : addDifferences(graph, spec.inputLength);
  const features = graph.dense(`${stream}_in`, input);
  let activated: string;
  if (spec.activation === 'network') {
    const code = graph.node('Relu', `${stream}_code_relu`, [graph.dense(`${stream}_code`, features)]);
    const exponents = graph.node('Mul', `${stream}_exponents`, [graph.dense(`${stream}_exp`, code), features]);
    const powers = graph.node('Exp', `${stream}_powers`, [exponents]);
    const scaled = graph.node('Mul', `${stream}_scaled`, [graph.dense(`${stream}_mul`, code), powers]);
    activated = graph.node('Add', `${stream}_activated`, [scaled, graph.dense(`${stream}_add`, code)]);
  } else activated = graph.node('Relu', `${stream}_activated`, [features]);
  const alpha = { name: 'alpha', f: LEAK, type: ONNX_ATTRIBUTE.float };
  return graph.node('LeakyRelu', `${stream}_leaky`, [graph.dense(`${stream}_out`, activated)], [alpha]);
}

const valueInfo = (name: string, columns: number) => ({
  name,
  type: {
    tensorType: { elemType: ONNX_TENSOR.float, shape: { dim: [{ dimParam: 'batch' }, { dimValue: columns }] } },
  },
});

/**
 * Encodes a network as ONNX. Input `windows` float32 [batch, L], normalized; output `answers` float32 [batch, horizons].
 * The same input gives the same bytes.
 *
 * @param name of the graph.
 * @param parameters flat parameters as {@link layoutOf} lays them out.
 */
export function encodeOnnx(name: string, spec: WnnSpec, parameters: Float32Array): Uint8Array {
  const graph = new GraphBuilder();
  const streams = streamsOf(spec).map((stream) => addStream(graph, spec, stream));
  const axis = { name: 'axis', i: 1, type: ONNX_ATTRIBUTE.int };
  const joined = streams.length === 1 ? streams[0] : graph.node('Concat', 'streams', streams, [axis]);
  graph.node('Tanh', OUTPUT, [graph.dense('head', joined)]);
  const weights = arraysOf(spec).map(
    (array): OnnxTensor => ({
      name: array.name,
      dims: array.shape,
      dataType: ONNX_TENSOR.float,
      rawData: new Uint8Array(parameters.slice(array.start, array.end).buffer),
    }),
  );
  return OnnxModel.encode(
    OnnxModel.create({
      irVersion: IR_VERSION,
      producerName: 'weight-nowcaster',
      producerVersion: TOOLKIT_VERSION,
      opsetImport: [{ domain: '', version: OPSET }],
      graph: {
        name,
        node: graph.nodes,
        initializer: [...weights, ...graph.constants],
        input: [valueInfo(INPUT, spec.inputLength)],
        output: [valueInfo(OUTPUT, spec.horizons.length)],
      },
      metadataProps: [{ key: 'spec', value: JSON.stringify(spec) }],
    }),
  ).finish();
}
