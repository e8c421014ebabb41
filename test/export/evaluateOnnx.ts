// ONNX models decoded and evaluated by the operators' definitions.

import protobuf from 'protobufjs/light.js';
import { expect } from 'vitest';
import { ONNX_MESSAGES } from '../../src/export/formats/onnxSchema.js';

/** The schema in protobufjs, which decodes independently. */
function modelType(): protobuf.Type {
  const namespace = new protobuf.Namespace('onnx');
  for (const [message, fields] of Object.entries(ONNX_MESSAGES)) {
    const type = new protobuf.Type(message);
    for (const [name, [id, fieldType, rule]] of Object.entries(fields))
      type.add(new protobuf.Field(name, id, fieldType, rule));
    namespace.add(type);
  }
  new protobuf.Root().add(namespace);
  return namespace.lookupType('ModelProto');
}

const OnnxModel = modelType();

interface Value {
  rows: number;
  columns: number;
  data: number[];
}

interface DecodedModel {
  irVersion: string;
  opsetImport: { version: string }[];
  graph: {
    node: {
      opType: string;
      input: string[];
      output: string[];
      attribute?: { name: string; f?: number; i?: string }[];
    }[];
    initializer: { name: string; dims: string[]; dataType: number; rawData: Uint8Array }[];
    input: { name: string; type: { tensorType: { shape: { dim: object[] } } } }[];
    output: { name: string; type: { tensorType: { shape: { dim: object[] } } } }[];
  };
}

export const decodeOnnx = (bytes: Uint8Array) =>
  OnnxModel.toObject(OnnxModel.decode(bytes), { longs: String }) as DecodedModel;

/** Evaluates a graph of one input in float64 for [rows, columns] values. */
export function evaluateOnnx({ graph }: DecodedModel, input: Value): Value {
  const values = new Map<string, Value>([[graph.input[0].name, input]]);
  for (const { name, dims, dataType, rawData } of graph.initializer) {
    const { buffer } = new Uint8Array(rawData);
    const data = dataType === 1 ? [...new Float32Array(buffer)] : [...new BigInt64Array(buffer)].map(Number);
    const [rows, columns] = dims.length === 2 ? dims.map(Number) : [1, Number(dims[0])];
    expect(data.length, name).toBe(rows * columns);
    values.set(name, { rows, columns, data });
  }
  const map = (a: Value, f: (x: number, i: number) => number): Value => ({ ...a, data: a.data.map(f) });
  for (const { opType, input: names, output, attribute = [] } of graph.node) {
    const [a, b, c, d] = names.map((name) => values.get(name)!);
    const run = (): Value => {
      switch (opType) {
        case 'Gemm': {
          const data = Array.from({ length: a.rows * b.columns }, (_, at) => {
            const [row, column] = [Math.floor(at / b.columns), at % b.columns];
            let sum = c.data[column];
            for (let k = 0; k < a.columns; k++) sum += a.data[row * a.columns + k] * b.data[k * b.columns + column];
            return sum;
          });
          return { rows: a.rows, columns: b.columns, data };
        }
        case 'Slice': {
          const [start, end] = [b.data[0], c.data[0]];
          expect(d.data).toEqual([1]);
          const data = a.data.filter((_, i) => i % a.columns >= start && i % a.columns < end);
          return { rows: a.rows, columns: end - start, data };
        }
        case 'Concat': {
          expect(attribute).toMatchObject([{ name: 'axis', i: '1' }]);
          const rows = Array.from({ length: a.rows }, (_, r) =>
            [a, b].flatMap(({ columns, data }) => data.slice(r * columns, (r + 1) * columns)),
          );
          return { rows: a.rows, columns: a.columns + b.columns, data: rows.flat() };
        }
        case 'LeakyRelu':
          expect(attribute[0].f).toBeCloseTo(0.3, 6);
          return map(a, (x) => (x > 0 ? x : 0.3 * x));
        case 'Relu':
          return map(a, (x) => Math.max(x, 0));
        case 'Exp':
          return map(a, Math.exp);
        case 'Tanh':
          return map(a, Math.tanh);
        case 'Sub':
          return map(a, (x, i) => x - b.data[i]);
        case 'Add':
          return map(a, (x, i) => x + b.data[i]);
        case 'Mul':
          return map(a, (x, i) => x * b.data[i]);
        default:
          throw new Error(`unexpected operator ${opType}`);
      }
    };
    values.set(output[0], run());
  }
  return values.get(graph.output[0].name)!;
}
