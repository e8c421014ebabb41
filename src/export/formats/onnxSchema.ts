// The part of ONNX's protobuf schema (onnx/onnx.proto, https://onnx.ai/onnx/repo-docs/IR.html) that a nowcaster needs.

import protobuf from 'protobufjs/light.js';

/** Field numbers by message, as `[rule] type name = number` of the schema. */
const MESSAGES: Record<string, Record<string, [number: number, type: string, rule?: 'repeated']>> = {
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

const namespace = new protobuf.Namespace('onnx');
for (const [message, fields] of Object.entries(MESSAGES)) {
  const type = new protobuf.Type(message);
  for (const [name, [id, fieldType, rule]] of Object.entries(fields))
    type.add(new protobuf.Field(name, id, fieldType, rule));
  namespace.add(type);
}
new protobuf.Root().add(namespace);

/** A whole model file. */
export const OnnxModel: protobuf.Type = namespace.lookupType('ModelProto');
