// Compiles the graph of a network to the program of the graph kernels (../assembly/graph.ts): where each result stands in the
// rows of a strip, and where gradients flow.

import { type Operation, operandsOf } from '../../network/graph.js';
import type { Network } from '../../network/network.js';

/** Codes of the instructions, as in the assembly. */
const CODES = {
  input: 0,
  differences: 1,
  dense: 2,
  relu: 3,
  exp: 4,
  tanh: 5,
  leakyRelu: 6,
  multiply: 7,
  add: 8,
  copy: 9,
};

/** Fields of an instruction that the host writes, in their order. */
const FIELDS = ['code', 'to', 'rows', 'a', 'b', 'aRows', 'aSlope', 'bSlope', 'detail', 'kernel', 'bias'] as const;
type Instruction = Record<(typeof FIELDS)[number], number>;

/** A program for the graph kernels. */
export interface Program {
  /** One list of fields an instruction. */
  instructions: Uint32Array[];
  /** Rows of a strip. */
  rows: number;
  /** Rows of the widest operation. */
  widest: number;
  /** First row of the output. */
  output: number;
}

const padded = (rows: number) => Math.ceil(rows / 4) * 4;

/** Names of the operations that the output depends on. */
function findLive(graph: readonly Operation[]): Set<string> {
  const live = new Set([graph[graph.length - 1].name]);
  for (const operation of graph.toReversed())
    if (live.has(operation.name)) for (const name of operandsOf(operation)) live.add(name);
  return live;
}

/** Names of the operations that depend on parameters: only to these do gradients flow. */
function findTrained(graph: readonly Operation[]): Set<string> {
  const trained = new Set<string>();
  for (const operation of graph)
    if (operation.op === 'dense' || operandsOf(operation).some((name) => trained.has(name)))
      trained.add(operation.name);
  return trained;
}

function bitsOf(slope: number): number {
  return new Uint32Array(Float32Array.of(slope).buffer)[0];
}

/** Compiles a network. */
export function compileProgram({ graph, widths, inputs, layers }: Network): Program {
  const live = findLive(graph);
  const operations = graph.filter(({ name }) => live.has(name));
  const widthOf = (name: string) => widths.get(name) as number;
  const places = new Map<string, number>();
  let rows = 0;
  for (const { name } of operations) {
    places.set(name, rows);
    rows += padded(widthOf(name));
  }
  const placeOf = (name: string) => places.get(name) as number;
  const columns = new Map<string, number>();
  let column = 0;
  for (const { name, width } of inputs) {
    columns.set(name, column);
    column += width;
  }

  const base = (operation: Operation): Instruction => {
    const [a, b] = operandsOf(operation);
    return {
      code: CODES[operation.op === 'concat' ? 'copy' : operation.op],
      to: placeOf(operation.name),
      rows: widthOf(operation.name),
      a: a === undefined ? 0 : placeOf(a),
      b: b === undefined ? 0 : placeOf(b),
      aRows: a === undefined ? 0 : widthOf(a),
      aSlope: 0,
      bSlope: 0,
      detail: 0,
      kernel: 0,
      bias: 0,
    };
  };
  /** The instructions of an operation, each with its operands. */
  const compile = (operation: Operation): { instruction: Instruction; operands: readonly string[] }[] => {
    const operands = operandsOf(operation);
    const one = (changes: Partial<Instruction> = {}) => [{ instruction: { ...base(operation), ...changes }, operands }];
    switch (operation.op) {
      case 'input':
        return one({ a: columns.get(operation.input) as number });
      case 'dense': {
        const { kernel, bias } = layers.find(({ name }) => name === operation.name) as (typeof layers)[number];
        return one({ kernel, bias, detail: operation.activation === undefined ? 0 : CODES[operation.activation] });
      }
      case 'leakyRelu':
        return one({ detail: bitsOf(operation.slope) });
      case 'concat': {
        let to = placeOf(operation.name);
        return operands.map((name) => {
          const part = { ...base(operation), to, rows: widthOf(name), a: placeOf(name), aRows: widthOf(name), b: 0 };
          to += part.rows;
          return { instruction: part, operands: [name] };
        });
      }
      default:
        return one();
    }
  };

  const compiled = operations.flatMap(compile);
  const trained = findTrained(graph);
  const stored = new Set<string>();
  /** Gradients are computed from the last instruction on: the first to reach an operand stores, the others add. */
  const slopeMode = (name: string | undefined): number => {
    if (name === undefined || !trained.has(name)) return 0;
    if (stored.has(name)) return 2;
    stored.add(name);
    return 1;
  };
  for (const { instruction, operands } of compiled.toReversed()) {
    instruction.aSlope = slopeMode(operands[0]);
    instruction.bSlope = slopeMode(operands[1]);
  }
  return {
    instructions: compiled.map(({ instruction }) => Uint32Array.from(FIELDS, (field) => instruction[field])),
    rows,
    widest: Math.max(...operations.map(({ name }) => widthOf(name))),
    output: placeOf(graph[graph.length - 1].name),
  };
}
