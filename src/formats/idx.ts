// Reads IDX files, the format of MNIST and its relatives: any element type, any rank, plain or gzip-compressed.
// It knows nothing of images or labels.

import { constants, gunzipSync } from 'node:zlib';
import { CorruptFileError } from '../errors.js';
import { maxContentBytes } from './expansion.js';

/** An array as an IDX file holds it. */
export interface IdxArray {
  /** Sizes of the dimensions, outermost first. */
  shape: number[];
  /** All elements, row-major, in the machine's byte order. */
  values: Uint8Array | Int8Array | Int16Array | Int32Array | Float32Array | Float64Array;
}

/** Element types by the third byte of the header (LeCun, "The MNIST database", section on the IDX file format). */
const ELEMENTS: Record<number, { bytes: number; decode(view: DataView, count: number): IdxArray['values'] }> = {
  8: { bytes: 1, decode: (view, n) => new Uint8Array(view.buffer, view.byteOffset, n) },
  9: { bytes: 1, decode: (view, n) => new Int8Array(view.buffer, view.byteOffset, n) },
  11: { bytes: 2, decode: (view, n) => Int16Array.from({ length: n }, (_, i) => view.getInt16(2 * i)) },
  12: { bytes: 4, decode: (view, n) => Int32Array.from({ length: n }, (_, i) => view.getInt32(4 * i)) },
  13: { bytes: 4, decode: (view, n) => Float32Array.from({ length: n }, (_, i) => view.getFloat32(4 * i)) },
  14: { bytes: 8, decode: (view, n) => Float64Array.from({ length: n }, (_, i) => view.getFloat64(8 * i)) },
};

/** Compressed bytes that surely hold the longest header: 4 + 4 * 255 bytes, which deflate never doubles. */
const HEADER_PROBE = 4096;

interface IdxHeader {
  shape: number[];
  element: (typeof ELEMENTS)[number];
  headerBytes: number;
  totalBytes: number;
}

/**
 * Decodes an IDX file that is in memory, plain or gzip-compressed.
 *
 * @param where the file's name, for errors.
 * @returns shape and values; byte elements of a plain file are a view of `bytes`, not a copy.
 * @throws {@link CorruptFileError} when the content is not IDX, is shorter or longer than its header says, or the gzip
 * stream is damaged. A header that claims more than the file can hold is refused before anything is allocated.
 */
export function decodeIdx(bytes: Uint8Array, where: string): IdxArray {
  const compressed = bytes[0] === 0x1f && bytes[1] === 0x8b;
  const header = parseHeader(compressed ? gunzipStart(bytes, where) : bytes, where);
  if (compressed && header.totalBytes > maxContentBytes(bytes.length)) throw wrongLength(header, bytes.length, where);
  const content = compressed ? gunzipAll(bytes, header.totalBytes, where) : bytes;
  if (content.length !== header.totalBytes) throw wrongLength(header, content.length, where);
  const view = new DataView(content.buffer, content.byteOffset + header.headerBytes);
  const count = (header.totalBytes - header.headerBytes) / header.element.bytes;
  return { shape: header.shape, values: header.element.decode(view, count) };
}

function parseHeader(bytes: Uint8Array, where: string): IdxHeader {
  const element = bytes.length >= 4 && bytes[0] === 0 && bytes[1] === 0 ? ELEMENTS[bytes[2]] : undefined;
  if (element === undefined) throw corrupt('not an IDX file', where);
  const rank = bytes[3];
  const headerBytes = 4 + 4 * rank;
  if (bytes.length < headerBytes) throw corrupt('IDX header cut off', where);
  const view = new DataView(bytes.buffer, bytes.byteOffset);
  const shape = Array.from({ length: rank }, (_, axis) => view.getUint32(4 + 4 * axis));
  const count = shape.reduce((product, size) => product * size, 1);
  return { shape, element, headerBytes, totalBytes: headerBytes + count * element.bytes };
}

function gunzipStart(bytes: Uint8Array, where: string): Uint8Array {
  try {
    return gunzipSync(bytes.subarray(0, HEADER_PROBE), { finishFlush: constants.Z_SYNC_FLUSH });
  } catch (cause) {
    throw corrupt('damaged gzip stream', where, cause);
  }
}

function gunzipAll(bytes: Uint8Array, expectedBytes: number, where: string): Uint8Array {
  try {
    return gunzipSync(bytes, { maxOutputLength: Math.max(1, expectedBytes) });
  } catch (cause) {
    const tooLong = (cause as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE';
    throw corrupt(tooLong ? 'IDX file longer than its header says' : 'damaged gzip stream', where, cause);
  }
}

function wrongLength(header: IdxHeader, actualBytes: number, where: string): CorruptFileError {
  const claim = `header of shape [${header.shape.slice(0, 8)}] needs ${header.totalBytes} bytes`;
  return corrupt(`IDX file of the wrong length (${claim}, found ${actualBytes})`, where);
}

function corrupt(what: string, where: string, cause?: unknown): CorruptFileError {
  return new CorruptFileError({ what, where, remedy: 'fetch the file again', cause });
}
