// A network as a short list of operations. The TensorFlow.js model, the generic compute, the parameter layout, the ONNX
// file, the order of Keras's layers and the Python module are derived from it. It holds no parameters.

/** One operation. Its output is a matrix [batch, width] that later operations refer to by `name`. */
export type Operation =
  /** One of the named inputs of a sample (see windows/inputs). */
  | { op: 'input'; name: string; input: string }
  /** `x[i + 1] - x[i]`. Keras has no layer for it: in layered formats its output is an input of the model. */
  | { op: 'differences'; name: string; of: string }
  | DenseOperation
  | { op: 'relu' | 'exp' | 'tanh'; name: string; of: string }
  /** `x` where it is positive, `slope * x` elsewhere. */
  | { op: 'leakyRelu'; name: string; of: string; slope: number }
  /** Element-wise, of two matrices of equal width. */
  | { op: 'multiply' | 'add'; name: string; of: readonly [string, string] }
  | { op: 'concat'; name: string; of: readonly string[] };

/** `activation(x * kernel + bias)`: the only operation with parameters. */
export interface DenseOperation {
  op: 'dense';
  name: string;
  of: string;
  units: number;
  /** Default: none. */
  activation?: 'relu' | 'tanh';
  /**
   * Distribution of the initial kernel, uniform, as Keras defines it; the initial bias is 0. `glorot` (default): variance
   * 2 / (inputs + units). A number: VarianceScaling of that scale with fan_in, variance scale / inputs.
   */
  initializer?: 'glorot' | number;
  /** Whether the family's L1 penalties apply. Default false. */
  penalized?: boolean;
}

/** Operations in topological order. The last one is the output. */
export type Graph = readonly Operation[];

/** Names of the operations that an operation refers to. */
export function operandsOf(operation: Operation): readonly string[] {
  if (operation.op === 'input') return [];
  return typeof operation.of === 'string' ? [operation.of] : operation.of;
}

/**
 * Width of each operation's output, by name.
 *
 * @param inputWidths widths of the named inputs of a sample.
 * @throws Error when the graph is not well-formed: an unknown or repeated name, operands of unequal width.
 */
export function widthsOf(graph: Graph, inputWidths: Readonly<Record<string, number>>): Map<string, number> {
  const widths = new Map<string, number>();
  const widthOf = (name: string, user: string): number => {
    const width = widths.get(name);
    if (width === undefined) throw new Error(`operation ${user} refers to ${name}, which does not precede it`);
    return width;
  };
  for (const operation of graph) {
    const { name } = operation;
    if (widths.has(name)) throw new Error(`two operations are called ${name}`);
    const operands = operandsOf(operation).map((operand) => widthOf(operand, name));
    widths.set(name, widthOfOutput(operation, operands, inputWidths));
  }
  return widths;
}

function widthOfOutput(
  operation: Operation,
  operands: readonly number[],
  inputWidths: Readonly<Record<string, number>>,
): number {
  switch (operation.op) {
    case 'input': {
      const width = inputWidths[operation.input];
      if (width === undefined) throw new Error(`operation ${operation.name} reads ${operation.input}, not an input`);
      return width;
    }
    case 'differences':
      return operands[0] - 1;
    case 'dense':
      return operation.units;
    case 'concat':
      return operands.reduce((sum, width) => sum + width, 0);
    case 'multiply':
    case 'add':
      if (operands[0] !== operands[1])
        throw new Error(`operation ${operation.name}: ${operands.join(' and ')} columns`);
      return operands[0];
    case 'relu':
    case 'exp':
    case 'tanh':
    case 'leakyRelu':
      return operands[0];
    default:
      return operation satisfies never;
  }
}
