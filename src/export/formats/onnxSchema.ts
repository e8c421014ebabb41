// The part of ONNX's protobuf schema (onnx/onnx.proto, https://onnx.ai/onnx/repo-docs/IR.html) that a nowcaster needs, and its
// encoding.

/** Field numbers by message, as `[rule] type name = number` of the schema. */
export const ONNX_MESSAGES: Record<string, Record<string, [number: number, type: string, rule?: 'repeated']>> = {
  ModelProto: {
    irVersion: [1, 'int64'],
    producerName: [2, 'string'],
    producerVersion: [3, 'string'],
    docString: [6, 'string'],
    graph: [7, 'GraphProto'],
    opsetImport: [8, 'OperatorSetIdProto', 'repeated'],
    metadataProps: [14, 'StringStringEntryProto', 'repeated'],
  },
  OperatorSetIdProto: { domain: [1, 'string'], version: [2, 'int64'] },
  StringStringEntryProto: { key: [1, 'string'], value: [2, 'string'] },
  GraphProto: {
    node: [1, 'NodeProto', 'repeated'],
    name: [2, 'string'],
    initializer: [5, 'TensorProto', 'repeated'],
    input: [11, 'ValueInfoProto', 'repeated'],
    output: [12, 'ValueInfoProto', 'repeated'],
  },
  NodeProto: {
    input: [1, 'string', 'repeated'],
    output: [2, 'string', 'repeated'],
    name: [3, 'string'],
    opType: [4, 'string'],
    attribute: [5, 'AttributeProto', 'repeated'],
  },
  AttributeProto: { name: [1, 'string'], f: [2, 'float'], i: [3, 'int64'], type: [20, 'int32'] },
  TensorProto: {
    dims: [1, 'int64', 'repeated'],
    dataType: [2, 'int32'],
    name: [8, 'string'],
    rawData: [9, 'bytes'],
  },
  ValueInfoProto: { name: [1, 'string'], type: [2, 'TypeProto'] },
  TypeProto: { tensorType: [1, 'TensorTypeProto'] },
  TensorTypeProto: { elemType: [1, 'int32'], shape: [2, 'TensorShapeProto'] },
  TensorShapeProto: { dim: [1, 'DimensionProto', 'repeated'] },
  DimensionProto: { dimValue: [1, 'int64'], dimParam: [2, 'string'] },
};

/** Values of `TensorProto.DataType` and of `AttributeProto.AttributeType`. */
export const ONNX_TENSOR = { float: 1, int64: 7 } as const;
export const ONNX_ATTRIBUTE = { float: 1, int: 2 } as const;

type Message = Record<string, unknown>;

/** A whole number of at least 0, seven bits a byte, the lowest first. */
function varint(value: number): number[] {
  const bytes: number[] = [];
  for (; value >= 0x80; value = Math.floor(value / 0x80)) bytes.push((value % 0x80) | 0x80);
  return [...bytes, value];
}

const float32 = (value: number) => [...new Uint8Array(Float32Array.of(value).buffer)];
const delimited = (bytes: Uint8Array) => [Uint8Array.from(varint(bytes.length)), bytes];

/** Wire type and bytes of one value. */
function encodeValue(type: string, value: unknown): [wireType: number, parts: Uint8Array[]] {
  switch (type) {
    case 'int32':
    case 'int64':
      return [0, [Uint8Array.from(varint(value as number))]];
    case 'float':
      return [5, [Uint8Array.from(float32(value as number))]];
    case 'string':
      return [2, delimited(new TextEncoder().encode(value as string))];
    case 'bytes':
      return [2, delimited(value as Uint8Array)];
    default:
      return [2, delimited(encodeMessage(type, value as Message))];
  }
}

function encodeMessage(name: string, message: Message): Uint8Array {
  const parts: Uint8Array[] = [];
  for (const [field, [number, type, rule]] of Object.entries(ONNX_MESSAGES[name])) {
    const value = message[field];
    if (value === undefined) continue;
    for (const item of rule === 'repeated' ? (value as unknown[]) : [value]) {
      const [wireType, encoded] = encodeValue(type, item);
      parts.push(Uint8Array.from(varint(number * 8 + wireType)), ...encoded);
    }
  }
  return Uint8Array.from(parts.flatMap((part) => [...part]));
}

/** Encodes a whole model file. Fields are named as in {@link ONNX_MESSAGES}; whole numbers are at least 0. */
export const encodeOnnxModel = (model: Message): Uint8Array => encodeMessage('ModelProto', model);
