// NumPy's .npy format (https://numpy.org/doc/stable/reference/generated/numpy.lib.format.html): one array behind a header
// that is a Python literal. Arrays of Python objects are pickles, and are never read.

import { decodeFloats, FLOAT_BYTES, type FloatType } from './floats.js';
import { reverseAxes } from './permuteAxes.js';

/** What is wrong with an array, for people. */
export class NpyProblem extends Error {}

const MAGIC = [0x93, 0x4e, 0x55, 0x4d, 0x50, 0x59];
const MAX_HEADER_BYTES = 1_000_000;
const MAX_RANK = 64;

/** What a header says of its array. */
export interface NpyHeader {
  /** `<f4`, `|b1`, ...; `V2` and the like for types that NumPy does not know by itself. */
  descr: string;
  shape: number[];
  fortranOrder: boolean;
  /** Where the data begin. */
  dataStart: number;
}

/** Bytes that surely hold the header of an array of numbers. */
export const NPY_HEADER_PROBE = 64 * 1024;

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
 * Decodes the header.
 *
 * @param bytes the array, or its start ({@link NPY_HEADER_PROBE}).
 * @throws {@link NpyProblem}
 */
export function decodeNpyHeader(bytes: Uint8Array): NpyHeader {
  const { text, dataStart } = readHeader(bytes);
  const type = /'descr':\s*'([^']*)'/.exec(text);
  const order = /'fortran_order':\s*(True|False)/.exec(text);
  const sizes = /'shape':\s*\(([\d\s,]*)\)/.exec(text);
  if (order === null || sizes === null) throw new NpyProblem('its header is not understood');
  const shape = sizes[1].split(',').flatMap((size) => (size.trim() === '' ? [] : [Number(size)]));
  if (shape.length > MAX_RANK) throw new NpyProblem(`it has ${shape.length} axes`);
  // Arrays of records list their fields in place of a type.
  return { descr: type?.[1] ?? 'record', shape, fortranOrder: order[1] === 'True', dataStart };
}

/** `V2`, two bytes that NumPy has no type for, is what it writes for the bfloat16 of ml_dtypes. */
const FLOATS: Record<string, FloatType> = { f2: 'f16', f4: 'f32', f8: 'f64', V2: 'bf16' };
/** Whole numbers, truth values, texts, times. */
const WHOLE_TYPES = /^([?bBiuSUaMm]|b1)/;

/** The type of an array's elements: floats, `whole` for what is no float, or what NumPy calls a type that is not read. */
export function typeOfNpy({ descr }: Pick<NpyHeader, 'descr'>): FloatType | 'whole' | { unreadable: string } {
  const type = descr.replace(/^[<>|=]/, '');
  if (Object.hasOwn(FLOATS, type)) return FLOATS[type];
  if (/^O/.test(type)) return { unreadable: 'Python objects' };
  if (WHOLE_TYPES.test(type)) return 'whole';
  return { unreadable: type.startsWith('c') ? `complex, ${descr}` : descr };
}

/**
 * Decodes an array of floats of either byte order, in C or Fortran order.
 *
 * @param bytes the whole array.
 * @param type see {@link typeOfNpy}.
 * @throws {@link NpyProblem}
 */
export function decodeNpyFloats(bytes: Uint8Array, type: FloatType): Float32Array {
  const { descr, shape, fortranOrder, dataStart } = decodeNpyHeader(bytes);
  const expected = shape.reduce((product, size) => product * size, FLOAT_BYTES[type]);
  if (expected !== bytes.length - dataStart)
    throw new NpyProblem(`its shape needs ${expected} bytes, ${bytes.length - dataStart} are there`);
  const values = decodeFloats(bytes.subarray(dataStart), type, descr.startsWith('>') ? 'big' : 'little');
  return fortranOrder && shape.length > 1 ? reverseAxes(values, shape.toReversed()) : values;
}
