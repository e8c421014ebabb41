// NumPy's .npy format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): one array behind a header
// that is a Python literal. Arrays of Python objects are pickles and refused.

import { numberOfHalf } from '../../formats/half.js';
import { reverseAxes } from './permuteAxes.js';

/** What is wrong with an array, for people. */
export class NpyProblem extends Error {}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_HEADER_BYTES = 1_000_000;
const MAX_RANK = 64;

/** An array of floats, or null where it holds something else. */
export type NpyArray = { shape: number[]; values: Float32Array } | null;

/** The header as text, and where the data begin. */
function readHeader(bytes: Uint8Array): { text: string; dataStart: number } {
  if (bytes.length < 10 || MAGIC.some((byte, i) => bytes[i] !== byte))
    throw new NpyProblem('it does not begin as .npy');
  const version = bytes[6];
  if (version < 1 || version > 3) throw new NpyProblem(`version ${version} of .npy is not known`);
  const prefix = version === 1 ? 10 : 12;
  if (bytes.length < prefix) throw new NpyProblem(`only ${bytes.length} bytes`);
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  const length = version === 1 ? view.getUint16(8, true) : view.getUint32(8, true);
  if (length > Math.min(bytes.length - prefix, MAX_HEADER_BYTES))
    throw new NpyProblem(`its header should have ${length} bytes, ${bytes.length - prefix} are there`);
  const text = new TextDecoder(version === 3 ? 'utf-8' : 'latin1').decode(bytes.subarray(prefix, prefix + length));
  return { text, dataStart: prefix + length };
}

/**
 * Decodes an array. Floats of 16, 32 and 64 bits of either byte order, in C or Fortran order, become float32.
 *
 * @returns null for an array of whole numbers, truth values, complex numbers or texts.
 * @throws {@link NpyProblem}
 */
export function decodeNpy(bytes: Uint8Array): NpyArray {
  const { text, dataStart } = readHeader(bytes);
  const type = /'descr':\s*'([<>|=]?)([a-zA-Z?])(\d*)'/.exec(text);
  const order = /'fortran_order':\s*(True|False)/.exec(text);
  const sizes = /'shape':\s*\(([\d\s,]*)\)/.exec(text);
  if (type === null || order === null || sizes === null) throw new NpyProblem('its header is not understood');
  const [, byteOrder, letter, width] = type;
  if (letter === 'O') throw new NpyProblem('it holds Python objects, which are never unpickled');
  if (letter !== 'f') return null;
  const elementBytes = Number(width);
  if (![2, 4, 8].includes(elementBytes)) throw new NpyProblem(`floats of ${elementBytes} bytes are not known`);
  const shape = sizes[1].split(',').flatMap((size) => (size.trim() === '' ? [] : [Number(size)]));
  if (shape.length > MAX_RANK) throw new NpyProblem(`it has ${shape.length} axes`);
  const expected = shape.reduce((product, size) => product * size, elementBytes);
  if (expected !== bytes.length - dataStart)
    throw new NpyProblem(`its shape needs ${expected} bytes, ${bytes.length - dataStart} are there`);
  // A copy: typed arrays must begin at a multiple of their element's size, and the byte order may change.
  const data = Buffer.from(new Uint8Array(bytes.subarray(dataStart)).buffer);
  if (byteOrder === '>') swapBytes(data, elementBytes);
  const values = decodeFloats(data, elementBytes);
  const fortran = order[1] === 'True' && shape.length > 1;
  return { shape, values: fortran ? reverseAxes(values, shape.toReversed()) : values };
}

function swapBytes(data: Buffer, elementBytes: number): void {
  if (elementBytes === 2) data.swap16();
  else if (elementBytes === 4) data.swap32();
  else data.swap64();
}

function decodeFloats({ buffer }: Buffer, elementBytes: number): Float32Array {
  if (elementBytes === 4) return new Float32Array(buffer as ArrayBuffer);
  if (elementBytes === 8) return Float32Array.from(new Float64Array(buffer as ArrayBuffer));
  return Float32Array.from(new Uint16Array(buffer as ArrayBuffer), numberOfHalf);
}
