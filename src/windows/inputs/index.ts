// The registry of network inputs, and the layout of rows with several inputs.

import type { InputColumns } from '../../network/network.js';
import type { WindowSpec } from '../../network/spec.js';
import { contextInput } from './context.js';
import type { WindowBlock, WindowInput } from './input.js';
import { roleInput } from './role.js';
import { windowInput } from './window.js';

const INPUTS = new Map<string, WindowInput>([windowInput, contextInput, roleInput].map((input) => [input.name, input]));

/**
 * Registers a custom input, for custom families.
 *
 * @throws Error when the name is that of another input or of another sample column.
 */
export function registerWindowInput(input: WindowInput): void {
  const { name } = input;
  if (INPUTS.has(name) || ['target', 'scale', 'run'].includes(name)) throw new Error(`${name} is taken`);
  INPUTS.set(name, input);
}

/** The input of that name. @throws Error when there is none. */
function findInput(name: string): WindowInput {
  const input = INPUTS.get(name);
  if (input === undefined) throw new Error(`no input ${name}; known: ${[...INPUTS.keys()].join(', ')}`);
  return input;
}

/** The sample columns of these inputs. @throws Error for an unknown input. */
export function inputColumns(names: readonly string[], spec: WindowSpec): InputColumns[] {
  return names.map((name) => ({ name, width: findInput(name).width(spec) }));
}

/** Whether the normalized window is the only input, so that rows are the windows themselves. */
export function isWindowOnly(names: readonly string[]): boolean {
  return names.length === 1 && names[0] === windowInput.name;
}

/** Writes the rows of a block: its inputs concatenated in the order of `columns`. */
export function fillRows(columns: readonly InputColumns[], block: WindowBlock, rows: Float32Array): void {
  const stride = columns.reduce((sum, { width }) => sum + width, 0);
  let offset = 0;
  for (const { name, width } of columns) {
    findInput(name).fill(block, rows, offset, stride);
    offset += width;
  }
}
