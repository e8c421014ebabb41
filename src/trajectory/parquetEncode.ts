// Parquet files from the writer's side, piece by piece: levels, pages, column chunks, footer. The counterpart of
// parquetPages.ts: version 1 data pages, ZSTD. What a run's columns are, weightsWriter.ts knows.
// Format: https://parquet.apache.org/docs/file-format/

import { Codec, Encoding, PageType } from './parquetFormat.js';
import { binary, encodeUnsigned, i16, i32, i64, list, struct, type ThriftEncoded } from './thriftWriter.js';
import { compressZstd } from './zstdEncoder.js';

/** A node of the schema; leaves have a type, groups have children. */
export interface SchemaNode {
  name: string;
  type?: number;
  /** Whether it is the repeated group of a list; all else is required. */
  isRepeated?: boolean;
  /** What it means beyond its type. */
  meaning?: 'text' | 'list';
  children?: SchemaNode[];
}

/** Runs of equal numbers, as Parquet's hybrid encoding has them, each behind its length. */
export class RunEncoder {
  readonly #bytes: number[] = [];
  readonly #width: number;

  /** @param width bits that the largest number needs. */
  constructor(width: number) {
    this.#width = width;
  }

  add(value: number, count: number): void {
    if (count === 0) return;
    this.#bytes.push(...encodeUnsigned(2 * count));
    for (let shift = 0; shift < this.#width; shift += 8) this.#bytes.push((value >>> shift) & 255);
  }

  finish(): Uint8Array {
    return Uint8Array.from(this.#bytes);
  }
}

/** Numbers that change from one to the next, each in `width` bits, as one packed run of the hybrid encoding. */
export function packBits(values: ArrayLike<number>, width: number): Uint8Array {
  const groups = Math.ceil(values.length / 8);
  const head = encodeUnsigned(2 * groups + 1);
  const bytes = new Uint8Array(head.length + groups * width);
  bytes.set(head);
  for (let i = 0, bit = 8 * head.length; i < values.length; i++)
    for (let k = 0; k < width; k++, bit++) bytes[bit >> 3] |= ((values[i] >>> k) & 1) << (bit & 7);
  return bytes;
}

/** Bits that the positions within a dictionary of this size take; at least one, since some readers know no less. */
export function indexWidth(size: number): number {
  return Math.max(1, 32 - Math.clz32(size - 1));
}

/** Encoded levels behind their length, as version 1 data pages have them. */
export function frameLevels(levels: Uint8Array): Uint8Array {
  const framed = new Uint8Array(4 + levels.length);
  new DataView(framed.buffer).setUint32(0, levels.length, true);
  framed.set(levels, 4);
  return framed;
}

/** A page with its header, and what it would take without compression. */
export interface Page {
  isDictionary: boolean;
  encoding: number;
  /** Values, missing ones included. */
  values: number;
  bytes: Uint8Array[];
  storedBytes: number;
  rawBytes: number;
}

/**
 * Makes a data page.
 *
 * @param values number of them, empty lists included.
 * @param sections its content; levels, if any, first.
 * @param out memory to compress into, with room for `mostZstdBytes`; the page is a view of it. Default: its own.
 */
export function makeDataPage(
  values: number,
  encoding: number,
  sections: readonly Uint8Array[],
  out?: Uint8Array,
): Page {
  const rle = i32(Encoding.rle);
  const header = struct({ 1: i32(values), 2: i32(encoding), 3: rle, 4: rle });
  return makePage(PageType.data, 5, header, { isDictionary: false, encoding, values }, sections, out);
}

/** Makes a dictionary page of values that stand one after the other. */
export function makeDictionaryPage(values: number, content: Uint8Array): Page {
  const encoding = Encoding.plain;
  const header = struct({ 1: i32(values), 2: i32(encoding) });
  return makePage(PageType.dictionary, 7, header, { isDictionary: true, encoding, values }, [content]);
}

function makePage(
  type: number,
  headerField: number,
  header: ThriftEncoded,
  what: Pick<Page, 'isDictionary' | 'encoding' | 'values'>,
  sections: readonly Uint8Array[],
  out?: Uint8Array,
): Page {
  const raw = sections.reduce((sum, { length }) => sum + length, 0);
  const stored = compressZstd(sections, out);
  const head = struct({ 1: i32(type), 2: i32(raw), 3: i32(stored.length), [headerField]: header }).bytes;
  const bytes = [head, stored];
  return { ...what, bytes, storedBytes: head.length + stored.length, rawBytes: head.length + raw };
}

/** A column's part of a row group, before its place in the file is known. */
export interface Chunk {
  /** Names from the schema's root on. */
  path: string[];
  type: number;
  pages: Page[];
  hasLevels: boolean;
  /** Least and greatest value, encoded. */
  bounds?: [least: Uint8Array, greatest: Uint8Array];
}

/** Describes a row group for the footer. @param offset of its first byte in the file. */
export function describeGroup(
  chunks: readonly Chunk[],
  rows: number,
  ordinal: number,
  offset: number,
): { group: ThriftEncoded; end: number } {
  let end = offset;
  let rawBytes = 0;
  const columns = chunks.map((chunk) => {
    const sum = (name: 'storedBytes' | 'rawBytes') => chunk.pages.reduce((total, page) => total + page[name], 0);
    const column = describeChunk(chunk, end, sum('storedBytes'), sum('rawBytes'));
    end += sum('storedBytes');
    rawBytes += sum('rawBytes');
    return column;
  });
  const group = struct({
    1: list(columns),
    2: i64(rawBytes),
    3: i64(rows),
    5: i64(offset),
    6: i64(end - offset),
    7: i16(ordinal),
  });
  return { group, end };
}

function describeChunk(chunk: Chunk, offset: number, storedBytes: number, rawBytes: number): ThriftEncoded {
  const { path, type, pages, hasLevels, bounds } = chunk;
  const [dictionary] = pages.filter(({ isDictionary }) => isDictionary);
  const encodings = new Set(pages.map(({ encoding }) => encoding));
  if (hasLevels) encodings.add(Encoding.rle);
  const values = pages.reduce((sum, page) => sum + (page.isDictionary ? 0 : page.values), 0);
  const metadata = struct({
    1: i32(type),
    2: list([...encodings].sort((a, b) => a - b).map(i32)),
    3: list(path.map(binary)),
    4: i32(Codec.zstd),
    5: i64(values),
    6: i64(rawBytes),
    7: i64(storedBytes),
    9: i64(offset + (dictionary?.storedBytes ?? 0)),
    11: dictionary && i64(offset),
    12: bounds && struct({ 3: i64(0), 5: binary(bounds[1]), 6: binary(bounds[0]) }),
  });
  return struct({ 2: i64(0), 3: metadata });
}

/** Footer, its length and the closing mark. */
export function encodeFooter(
  root: SchemaNode,
  groups: readonly ThriftEncoded[],
  rows: number,
  createdBy: string,
  notes: Record<string, string>,
): Uint8Array {
  const elements = listElements(root, true);
  const leaves = countLeaves(root);
  const footer = struct({
    1: i32(1),
    2: list(elements),
    3: i64(rows),
    4: list(groups),
    5: list(Object.entries(notes).map(([key, value]) => struct({ 1: binary(key), 2: binary(value) }))),
    6: binary(createdBy),
    // The order of statistics is that of the type.
    7: list(Array.from({ length: leaves }, () => struct({ 1: struct({}) }))),
  }).bytes;
  const bytes = new Uint8Array(footer.length + 8);
  bytes.set(footer);
  new DataView(bytes.buffer).setUint32(footer.length, footer.length, true);
  bytes.set(MAGIC, footer.length + 4);
  return bytes;
}

/** First and last bytes of a file. */
export const MAGIC = Uint8Array.from(Buffer.from('PAR1'));

function countLeaves({ children }: SchemaNode): number {
  return children === undefined ? 1 : children.reduce((sum, child) => sum + countLeaves(child), 0);
}

/** Depth first. Numbers: repetition 0 required and 2 repeated; converted types 0 UTF8 and 3 LIST. */
function listElements({ name, type, isRepeated, meaning, children = [] }: SchemaNode, isRoot = false): ThriftEncoded[] {
  const element = struct({
    1: type === undefined ? undefined : i32(type),
    3: isRoot ? undefined : i32(isRepeated ? 2 : 0),
    4: binary(name),
    5: children.length > 0 ? i32(children.length) : undefined,
    6: meaning && i32(meaning === 'text' ? 0 : 3),
    10: meaning && struct({ [meaning === 'text' ? 1 : 3]: struct({}) }),
  });
  return [element, ...children.flatMap((child) => listElements(child))];
}
