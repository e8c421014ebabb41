// The list of inputs that networks may take from a window, and the rows of samples that hold several.

import type { InputColumns } from '../../network/network.js';
import type { WindowSpec } from '../../network/spec.js';
import type { WindowBlock, WindowInput } from './input.js';
import { windowInput } from './window.js';

const INPUTS = new Map<string, WindowInput>([windowInput].map((input) => [input.name, input]));

/**
 * Adds an input of your own, for families of your own.
 *
 * @throws Error when there is an input of that name, or it is that of another column of samples.
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

/** The columns of samples with these inputs. @throws Error for an unknown input. */
export function inputColumns(names: readonly string[], spec: WindowSpec): InputColumns[] {
  return names.map((name) => ({ name, width: findInput(name).width(spec) }));
}

/** Whether the normalized windows are all that a network takes: rows of samples are then the windows themselves. */
export function isWindowOnly(names: readonly string[]): boolean {
  return names.length === 1 && names[0] === windowInput.name;
}

/** Writes the rows of a block: its inputs in the order of `columns`, one behind the other. */
export function fillRows(columns: readonly InputColumns[], block: WindowBlock, rows: Float32Array): void {
  const stride = columns.reduce((sum, { width }) => sum + width, 0);
  let offset = 0;
  for (const { name, width } of columns) {
    findInput(name).fill(block, rows, offset, stride);
    offset += width;
  }
}
