// Parquet files at the level of pages, for readers that want a part of a column's values without decoding the rest.
// Knows what parquetEncode.ts writes (and pyarrow, of the same data): version 1 data pages, plain, dictionary and
// BYTE_STREAM_SPLIT, ZSTD or no compression. Format: https://parquet.apache.org/docs/file-format/

import { readSync } from 'node:fs';
import { Codec, Encoding, PageType } from './parquetFormat.js';
import { ThriftReader, type ThriftStruct } from './thrift.js';
import type { Decompress } from './zstd.js';

/** The file is valid, maybe, but laid out in a way that this reader does not know. */
export class UnknownLayoutError extends Error {}

/** A column's part of a row group. */
export interface ColumnChunk {
  /** Names from the schema's root on, joined by dots: `values.list.element`. */
  path: string;
  /** First byte of its pages in the file. */
  offset: number;
  /** Bytes of all its pages with their headers. */
  bytes: number;
  /** Values in it, nulls and empty lists included. */
  values: number;
  compressed: boolean;
  hasRepetition: boolean;
  hasDefinition: boolean;
}

export interface RowGroup {
  rows: number;
  columns: ColumnChunk[];
}

/** How the values of a data page stand in its bytes. */
export type PageValues =
  /** One value after the other. */
  | { encoding: 'plain'; bytes: Uint8Array }
  /** First bytes of all values, then second bytes, and so on. */
  | { encoding: 'split'; bytes: Uint8Array }
  /** Positions within the dictionary, whose values stand as in `plain`. */
  | { encoding: 'dictionary'; dictionary: Uint8Array; indices: Uint32Array };

/** Fills `bytes` from an open file. */
export function readBytes(descriptor: number, offset: number, bytes: Uint8Array): Uint8Array {
  for (let done = 0; done < bytes.length; ) {
    const count = readSync(descriptor, bytes, done, bytes.length - done, offset + done);
    if (count === 0) throw new RangeError('file is shorter than its footer says');
    done += count;
  }
  return bytes;
}

/**
 * Reads the footer.
 *
 * @throws RangeError for damage, {@link UnknownLayoutError} for what this reader does not know.
 */
export function readFooter(descriptor: number, size: number): RowGroup[] {
  if (size < 12) throw new RangeError('too short for a Parquet file');
  const tail = Buffer.from(readBytes(descriptor, size - 8, new Uint8Array(8)).buffer);
  const length = tail.readUInt32LE(0);
  if (tail.toString('latin1', 4) !== 'PAR1' || length > size - 12) throw new RangeError('not a Parquet file');
  const footer = new ThriftReader(readBytes(descriptor, size - 8 - length, new Uint8Array(length))).readStruct();
  const levels = readLevels(footer[2] as ThriftStruct[]);
  return (footer[4] as ThriftStruct[]).map((group) => ({
    rows: group[3] as number,
    columns: (group[1] as ThriftStruct[]).map((column) => readColumn(column[3] as ThriftStruct, levels)),
  }));
}

type Levels = Map<string, { hasRepetition: boolean; hasDefinition: boolean }>;

/** Walks the schema's tree, which is listed depth first, and notes which leaves come with levels. */
function readLevels(schema: readonly ThriftStruct[]): Levels {
  const levels: Levels = new Map();
  let next = 0;
  const visit = (prefix: string, hasRepetition: boolean, hasDefinition: boolean) => {
    const element = schema[next++];
    if (element === undefined) throw new RangeError('schema ends early');
    const isRoot = next === 1;
    const name = isRoot ? '' : `${prefix}${prefix && '.'}${textOf(element[4])}`;
    const repeated = hasRepetition || (!isRoot && element[3] === 2);
    const defined = hasDefinition || (!isRoot && element[3] !== 0);
    const children = (element[5] as number | undefined) ?? 0;
    if (children === 0) levels.set(name, { hasRepetition: repeated, hasDefinition: defined });
    for (let i = 0; i < children; i++) visit(name, repeated, defined);
  };
  visit('', false, false);
  return levels;
}

function textOf(value: unknown): string {
  return Buffer.from(value as Uint8Array).toString('utf8');
}

function readColumn(column: ThriftStruct, levels: Levels): ColumnChunk {
  const path = (column[3] as Uint8Array[]).map(textOf).join('.');
  const known = levels.get(path);
  if (known === undefined) throw new RangeError(`column ${path} is not in the schema`);
  const codec = column[4] as number;
  if (codec !== Codec.uncompressed && codec !== Codec.zstd) throw new UnknownLayoutError(`compression ${codec}`);
  const first = column[9] as number;
  const dictionary = column[11] as number | undefined;
  return {
    path,
    offset: dictionary !== undefined && dictionary > 0 ? Math.min(first, dictionary) : first,
    bytes: column[7] as number,
    values: column[5] as number,
    compressed: codec === Codec.zstd,
    ...known,
  };
}

/** Where the bytes of a row group begin and end in the file. */
export function extentOf({ columns }: RowGroup): { start: number; end: number } {
  return {
    start: Math.min(...columns.map(({ offset }) => offset)),
    end: Math.max(...columns.map(({ offset, bytes }) => offset + bytes)),
  };
}

/**
 * Goes through the data pages of a column chunk.
 *
 * @param file some of the file's bytes, the whole chunk among them.
 * @param fileOffset where those begin in the file.
 * @param take receives each page's number of values and where they are; its bytes hold until it returns.
 * @throws RangeError for damage, {@link UnknownLayoutError} for what this reader does not know, nulls among it.
 */
export function readPages(
  file: Uint8Array,
  fileOffset: number,
  chunk: ColumnChunk,
  decompress: Decompress,
  take: (values: PageValues, count: number) => void,
): void {
  const bytes = file.subarray(chunk.offset - fileOffset, chunk.offset - fileOffset + chunk.bytes);
  let dictionary: Uint8Array | undefined;
  let seen = 0;
  for (let offset = 0; seen < chunk.values; ) {
    const reader = new ThriftReader(bytes, offset);
    const header = reader.readStruct();
    const [type, rawSize, storedSize] = [header[1], header[2], header[3]] as number[];
    offset = reader.offset + storedSize;
    if (!(storedSize >= 0 && offset <= bytes.length)) throw new RangeError('page ends early');
    if (!(rawSize >= 0 && rawSize <= mostRawBytes(chunk))) throw new RangeError('page of impossible size');
    const stored = bytes.subarray(reader.offset, offset);
    const body = chunk.compressed ? decompress(stored, rawSize) : stored;
    if (type === PageType.dictionary) {
      dictionary = body.slice();
      continue;
    }
    if (type !== PageType.data) throw new UnknownLayoutError(`page of type ${type}`);
    const data = header[5] as ThriftStruct;
    const count = data[1] as number;
    take(valuesOf(body, count, data[2] as number, chunk, dictionary), count);
    seen += count;
  }
}

/** A bound on the bytes of a page, so that damage does not make the decompressor allocate without end. */
function mostRawBytes({ values }: ColumnChunk): number {
  return 2 ** 24 + 16 * values;
}

function valuesOf(
  body: Uint8Array,
  count: number,
  encoding: number,
  { hasRepetition, hasDefinition }: ColumnChunk,
  dictionary: Uint8Array | undefined,
): PageValues {
  const view = new DataView(body.buffer, body.byteOffset, body.length);
  let start = 0;
  // Levels come with their length in front. Whether a value is missing shows in the number of bytes that follow.
  if (hasRepetition) start += 4 + view.getUint32(start, true);
  if (hasDefinition) start += 4 + view.getUint32(start, true);
  if (start > body.length) throw new RangeError('levels end late');
  const bytes = body.subarray(start);
  switch (encoding) {
    case Encoding.plain:
      return { encoding: 'plain', bytes };
    case Encoding.byteStreamSplit:
      if (bytes.length !== 4 * count) throw new UnknownLayoutError('values are missing');
      return { encoding: 'split', bytes };
    case Encoding.plainDictionary:
    case Encoding.rleDictionary:
      if (dictionary === undefined) throw new RangeError('no dictionary');
      return { encoding: 'dictionary', dictionary, indices: unpackIndices(bytes, count) };
    default:
      throw new UnknownLayoutError(`encoding ${encoding}`);
  }
}

/** Decodes a bit width and, after it, runs of repeated and of bit-packed numbers. */
function unpackIndices(bytes: Uint8Array, count: number): Uint32Array {
  const width = bytes[0];
  if (!(width <= 32)) throw new RangeError('impossible bit width');
  const indices = new Uint32Array(count);
  let offset = 1;
  const byteAt = (at: number) => {
    if (at >= bytes.length) throw new RangeError('indices end early');
    return bytes[at];
  };
  for (let done = 0; done < count; ) {
    let head = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = byteAt(offset++);
      head |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    if (head & 1) {
      // Groups of 8 numbers, lowest bits first.
      const packed = 8 * (head >>> 1);
      const end = Math.min(count, done + packed);
      for (let bit = 8 * offset; done < end; done++) {
        let value = 0;
        for (let got = 0; got < width; ) {
          const take = Math.min(width - got, 8 - (bit & 7));
          value |= ((byteAt(bit >>> 3) >>> (bit & 7)) & ((1 << take) - 1)) << got;
          got += take;
          bit += take;
        }
        indices[done] = value;
      }
      offset += (packed * width) / 8;
    } else {
      let value = 0;
      for (let i = 0; i < Math.ceil(width / 8); i++) value |= byteAt(offset++) << (8 * i);
      const end = Math.min(count, done + (head >>> 1));
      if (end === done) throw new RangeError('empty run');
      indices.fill(value, done, end);
      done = end;
    }
  }
  return indices;
}
