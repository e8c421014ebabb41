// The safetensors format (https://github.com/huggingface/safetensors#format): named arrays behind a JSON header.
// Only bytes in and out: no files, nothing from Node, and nothing of nowcasters.

import { CorruptFileError } from '../errors.js';
import { decodeFloats } from './floats.js';
import { parseJson } from './parseJson.js';

/** Bytes of one element of each type that this toolkit reads. */
const ELEMENT_BYTES = {
  F64: 8,
  F32: 4,
  F16: 2,
  BF16: 2,
  I64: 8,
  I32: 4,
  I16: 2,
  I8: 1,
  U64: 8,
  U32: 4,
  U16: 2,
  U8: 1,
  BOOL: 1,
} as const;

/** Element types of the format that this toolkit reads. */
export type SafetensorsDtype = keyof typeof ELEMENT_BYTES;

/** One array of a file. */
export interface SafeTensor {
  dtype: SafetensorsDtype;
  shape: readonly number[];
  /** Its elements, row-major, little-endian. */
  data: Uint8Array;
}

/** The content of a file. */
export interface SafetensorsFile {
  /** In the order of their data. */
  tensors: Record<string, SafeTensor>;
  metadata: Record<string, string>;
}

/** The format's own limit on the header, against headers that name absurd sizes. */
const MAX_HEADER_BYTES = 100_000_000;
const HEADER_SIZE_BYTES = 8;

/** A float32 array as a {@link SafeTensor}; shares its memory. */
export function tensorOfFloat32(shape: readonly number[], values: Float32Array): SafeTensor {
  return { dtype: 'F32', shape, data: new Uint8Array(values.buffer, values.byteOffset, values.byteLength) };
}

/**
 * Encodes arrays in the order given. The same input gives the same bytes.
 *
 * @param metadata strings by name, stored as `__metadata__`.
 */
export function encodeSafetensors(
  tensors: Record<string, SafeTensor>,
  metadata: Record<string, string> = {},
): Uint8Array {
  const header: Record<string, unknown> = {};
  if (Object.keys(metadata).length > 0) header.__metadata__ = metadata;
  let end = 0;
  for (const [name, { dtype, shape, data }] of Object.entries(tensors)) {
    const start = end;
    end += data.byteLength;
    header[name] = { dtype, shape, data_offsets: [start, end] };
  }
  const text = new TextEncoder().encode(JSON.stringify(header));
  const headerBytes = Math.ceil(text.length / 8) * 8;
  const bytes = new Uint8Array(HEADER_SIZE_BYTES + headerBytes + end);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(headerBytes), true);
  bytes.fill(0x20, HEADER_SIZE_BYTES, HEADER_SIZE_BYTES + headerBytes);
  bytes.set(text, HEADER_SIZE_BYTES);
  let offset = HEADER_SIZE_BYTES + headerBytes;
  for (const { data } of Object.values(tensors)) {
    bytes.set(data, offset);
    offset += data.byteLength;
  }
  return bytes;
}

function corrupt(fileName: string, what: string, cause?: unknown): CorruptFileError {
  return new CorruptFileError({
    what: `not a whole safetensors file (${what})`,
    where: fileName,
    remedy: 'export or copy it again',
    cause,
  });
}

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isKnownType = (dtype: string): dtype is SafetensorsDtype => Object.hasOwn(ELEMENT_BYTES, dtype);

const isCount = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

/** Where one array of a file stands, by the file's header. */
export interface SafetensorsEntry {
  name: string;
  /** A {@link SafetensorsDtype}, or a type that this toolkit does not read (`F8_E4M3`, `C64`). */
  dtype: string;
  shape: readonly number[];
  /** Its bytes in the file, [begin, end). */
  begin: number;
  end: number;
}

/** The header of a file. */
export interface SafetensorsHeader {
  /** In the order of their data. */
  entries: SafetensorsEntry[];
  metadata: Record<string, string>;
}

/**
 * The length of a file's header from the file's first bytes, its own 8 bytes of length included.
 *
 * @param start the first 8 bytes, or more.
 * @param fileBytes the length of the file, which the header is checked against.
 * @throws {@link CorruptFileError}
 */
export function safetensorsHeaderLength(start: Uint8Array, fileBytes: number, fileName: string): number {
  if (fileBytes < HEADER_SIZE_BYTES + 2) throw corrupt(fileName, `only ${fileBytes} bytes`);
  const declared = new DataView(start.buffer, start.byteOffset).getBigUint64(0, true);
  const rest = fileBytes - HEADER_SIZE_BYTES;
  if (declared > BigInt(Math.min(rest, MAX_HEADER_BYTES)))
    throw corrupt(fileName, `its header should have ${declared} bytes, ${rest} are there`);
  return HEADER_SIZE_BYTES + Number(declared);
}

/**
 * Decodes a file's header. Every size that it names is checked against the bytes that the file has.
 *
 * @param start the file's first bytes, as many as {@link safetensorsHeaderLength} says.
 * @param fileBytes the length of the file.
 * @param fileName what to call the file in errors.
 * @throws {@link CorruptFileError}
 */
export function decodeSafetensorsHeader(start: Uint8Array, fileBytes: number, fileName: string): SafetensorsHeader {
  let header: unknown;
  try {
    const text = new TextDecoder('utf-8', { fatal: true }).decode(start.subarray(HEADER_SIZE_BYTES));
    header = parseJson(text);
  } catch (error) {
    throw corrupt(fileName, 'its header is not JSON', error);
  }
  if (!isObject(header)) throw corrupt(fileName, 'its header is not an object');
  const dataBytes = fileBytes - start.length;
  const metadata: Record<string, string> = {};
  const entries: SafetensorsEntry[] = [];
  for (const [name, value] of Object.entries(header)) {
    // Some writers have null for no metadata.
    if (name === '__metadata__' && value === null) continue;
    if (!isObject(value)) throw corrupt(fileName, `${name} is not an object`);
    if (name === '__metadata__') {
      for (const [key, text] of Object.entries(value)) {
        if (typeof text !== 'string') throw corrupt(fileName, `metadata ${key} is not a string`);
        metadata[key] = text;
      }
    } else entries.push(decodeEntry(name, value, dataBytes, fileName));
  }
  entries.sort((a, b) => a.begin - b.begin || a.end - b.end);
  let end = 0;
  for (const entry of entries) {
    if (entry.begin !== end)
      throw corrupt(fileName, `${entry.name} starts at byte ${entry.begin} where byte ${end} was expected`);
    end = entry.end;
    entry.begin += start.length;
    entry.end += start.length;
  }
  if (end !== dataBytes) throw corrupt(fileName, `its header covers ${end} of ${dataBytes} bytes`);
  return { entries, metadata };
}

/**
 * Decodes a file. Every size that the header names is checked against the bytes that are there; nothing is copied.
 *
 * @param fileName what to call the file in errors.
 * @returns tensors whose `data` are views into `bytes`.
 * @throws {@link CorruptFileError}
 */
export function decodeSafetensors(bytes: Uint8Array, fileName: string): SafetensorsFile {
  const headerLength = safetensorsHeaderLength(bytes, bytes.byteLength, fileName);
  const { entries, metadata } = decodeSafetensorsHeader(bytes.subarray(0, headerLength), bytes.byteLength, fileName);
  const tensors = entries.map(({ name, dtype, shape, begin, end }): [string, SafeTensor] => {
    if (!isKnownType(dtype)) throw corrupt(fileName, `${name} has the type ${dtype}, which is not known`);
    return [name, { dtype, shape, data: bytes.subarray(begin, end) }];
  });
  return { tensors: Object.fromEntries(tensors), metadata };
}

/** An entry with its place relative to the end of the header. */
function decodeEntry(
  name: string,
  value: Record<string, unknown>,
  dataBytes: number,
  fileName: string,
): SafetensorsEntry {
  const { dtype, shape, data_offsets: offsets } = value;
  if (typeof dtype !== 'string' || !/^[A-Z][A-Z\d_]*$/.test(dtype))
    throw corrupt(fileName, `${name} has the type ${String(dtype)}, which is not known`);
  if (!Array.isArray(shape) || !shape.every(isCount)) throw corrupt(fileName, `${name} has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isCount))
    throw corrupt(fileName, `${name} has no valid offsets`);
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataBytes)
    throw corrupt(fileName, `${name} should stand in bytes ${begin} to ${end} of ${dataBytes}`);
  if (isKnownType(dtype)) {
    const expected = shape.reduce((product, n) => product * n, ELEMENT_BYTES[dtype]);
    if (expected !== end - begin)
      throw corrupt(fileName, `${name} needs ${expected} bytes for its shape and has ${end - begin}`);
  }
  return { name, dtype, shape, begin, end };
}

/** The elements of a tensor of any type as float32: a copy, rounded where the type holds more digits. */
export function float32OfTensor({ dtype, data }: SafeTensor): Float32Array {
  // A copy, because a typed array must start at a multiple of its element size. Not slice(): a Buffer's is a view.
  const { buffer } = new Uint8Array(data);
  switch (dtype) {
    case 'F32':
      return decodeFloats(data, 'f32');
    case 'F64':
      return decodeFloats(data, 'f64');
    case 'F16':
      return decodeFloats(data, 'f16');
    case 'BF16':
      return decodeFloats(data, 'bf16');
    case 'I64':
      return Float32Array.from(new BigInt64Array(buffer), Number);
    case 'U64':
      return Float32Array.from(new BigUint64Array(buffer), Number);
    case 'U32':
      return Float32Array.from(new Uint32Array(buffer));
    case 'U16':
      return Float32Array.from(new Uint16Array(buffer));
    case 'I32':
      return Float32Array.from(new Int32Array(buffer));
    case 'I16':
      return Float32Array.from(new Int16Array(buffer));
    case 'I8':
      return Float32Array.from(new Int8Array(buffer));
    case 'U8':
    case 'BOOL':
      return Float32Array.from(data);
    default:
      return dtype satisfies never;
  }
}
