// The columns of the weight files: schema, and the turning of snapshots into row groups. Knows no files; what a column
// becomes in bytes, parquetEncode.ts knows.

import * as arrow from 'apache-arrow';
import {
  type Chunk,
  frameLevels,
  indexWidth,
  makeDataPage,
  makeDictionaryPage,
  type Page,
  packBits,
  RunEncoder,
  type SchemaNode,
} from './parquetEncode.js';
import { Encoding, PhysicalType } from './parquetFormat.js';
import type { Snapshot, TensorSpec } from './schema.js';
import { mostZstdBytes } from './zstdEncoder.js';

/** Values of a page; at least one tensor. */
const PAGE_VALUES = 2 ** 18;

/** The columns of a weight file. */
export const SCHEMA: SchemaNode = {
  name: 'arrow_schema',
  children: [
    { name: 'epoch', type: PhysicalType.int32 },
    { name: 'tensor', type: PhysicalType.byteArray, meaning: 'text' },
    { name: 'kind', type: PhysicalType.byteArray, meaning: 'text' },
    listNode('shape', PhysicalType.int32),
    listNode('values', PhysicalType.float),
  ],
};

function listNode(name: string, type: number): SchemaNode {
  return {
    name,
    meaning: 'list',
    children: [{ name: 'list', isRepeated: true, children: [{ name: 'element', type }] }],
  };
}

/** The Arrow types of the columns, which Arrow's readers restore: `tensor` and `kind` as dictionaries. */
export function describeArrowTypes(): string {
  const text = (id: number) => new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), id);
  const listOf = (item: arrow.DataType) => new arrow.List(new arrow.Field('element', item, false));
  const types = { epoch: new arrow.Int32(), tensor: text(0), kind: text(1), shape: listOf(new arrow.Int32()) };
  const all = { ...types, values: listOf(new arrow.Float32()) };
  const fields = Object.entries(all).map(([name, type]) => new arrow.Field(name, type, false));
  const stream = arrow.tableToIPC(new arrow.Table(new arrow.Schema(fields)), 'stream');
  const length = 8 + new DataView(stream.buffer, stream.byteOffset).getInt32(4, true);
  return Buffer.from(stream.subarray(0, length)).toString('base64');
}

/** Columns of a row group. */
export interface EncodedGroup {
  rows: number;
  chunks: Chunk[];
}

/** Turns epochs into the columns of row groups, one group after the other. */
export class GroupEncoder {
  readonly #tensors: readonly TensorSpec[];
  readonly #page = new ValuePage();
  /** The compressed pages of the group, one behind the other. */
  #stored = new Uint8Array(0);
  #storedBytes = 0;
  #numbers: number[] = [];
  #pages: Page[] = [];

  constructor(tensors: readonly TensorSpec[]) {
    this.#tensors = tensors;
  }

  /** Epochs of the group so far. */
  get epochs(): number {
    return this.#numbers.length;
  }

  add({ epoch, values }: Snapshot): void {
    this.#numbers.push(epoch);
    for (const array of values) {
      if (this.#page.count > 0 && this.#page.count + array.length > PAGE_VALUES) this.#endPage();
      this.#page.add(array);
    }
  }

  #endPage(): void {
    const page = this.#page.finish((bytes) => {
      if (this.#storedBytes + bytes > this.#stored.length) {
        // What is there stays with the pages that view it.
        this.#stored = new Uint8Array(Math.max(bytes, 2 * this.#stored.length));
        this.#storedBytes = 0;
      }
      return this.#stored.subarray(this.#storedBytes);
    });
    this.#storedBytes += page.storedBytes;
    this.#pages.push(page);
  }

  /** Ends the group. Its bytes hold until the next call of {@link add}. */
  finish(): EncodedGroup {
    this.#endPage();
    const numbers = this.#numbers;
    const tensors = this.#tensors;
    const values = {
      path: ['values', 'list', 'element'],
      type: PhysicalType.float,
      pages: this.#pages,
      hasLevels: true,
    };
    const repeat = <T>(items: readonly T[]) => numbers.flatMap(() => items);
    const chunks = [
      epochChunk(numbers, tensors.length),
      textChunk('tensor', repeat(tensors.map(({ name }) => name))),
      textChunk('kind', repeat(tensors.map(({ kind }) => kind))),
      shapeChunk(repeat(tensors.map(({ shape }) => shape))),
      values,
    ];
    this.#numbers = [];
    this.#pages = [];
    this.#storedBytes = 0;
    return { rows: numbers.length * tensors.length, chunks };
  }
}

/** Gathers rows of `values` for one page. */
class ValuePage {
  #words = new Uint32Array(PAGE_VALUES);
  #streams = new Uint8Array(4 * PAGE_VALUES);
  #length = 0;
  #empty = 0;
  #repetition = new RunEncoder(1);
  #definition = new RunEncoder(1);

  /** Entries so far; an empty tensor is one. */
  get count(): number {
    return this.#length + this.#empty;
  }

  add(values: Float32Array): void {
    const { length } = values;
    const end = this.#length + length;
    if (end > this.#words.length) {
      const larger = new Uint32Array(end);
      larger.set(this.#words.subarray(0, this.#length));
      this.#words = larger;
      this.#streams = new Uint8Array(4 * end);
    }
    this.#words.set(new Uint32Array(values.buffer, values.byteOffset, length), this.#length);
    this.#length = end;
    if (length === 0) this.#empty++;
    this.#repetition.add(0, 1);
    this.#repetition.add(1, length - Math.min(1, length));
    this.#definition.add(length === 0 ? 0 : 1, Math.max(1, length));
  }

  /** @param allocate gives memory of at least so many bytes for the page. */
  finish(allocate: (bytes: number) => Uint8Array): Page {
    const count = this.#length;
    const entries = this.count;
    const [first, second, third, fourth] = [0, 1, 2, 3].map((k) => this.#streams.subarray(k * count, (k + 1) * count));
    const words = this.#words;
    for (let i = 0; i < count; i++) {
      const word = words[i];
      first[i] = word;
      second[i] = word >>> 8;
      third[i] = word >>> 16;
      fourth[i] = word >>> 24;
    }
    const levels = [this.#repetition, this.#definition].map((runs) => frameLevels(runs.finish()));
    this.#length = 0;
    this.#empty = 0;
    this.#repetition = new RunEncoder(1);
    this.#definition = new RunEncoder(1);
    const sections = [Buffer.concat(levels), first, second, third, fourth];
    return makeDataPage(entries, Encoding.byteStreamSplit, sections, allocate(mostZstdBytes(sections)));
  }
}

function int32Bytes(values: readonly number[]): Uint8Array {
  const bytes = new DataView(new ArrayBuffer(4 * values.length));
  values.forEach((value, i) => {
    bytes.setInt32(4 * i, value, true);
  });
  return new Uint8Array(bytes.buffer);
}

/** Each number for all rows of its epoch. */
function epochChunk(numbers: readonly number[], rows: number): Chunk {
  const width = indexWidth(numbers.length);
  const runs = new RunEncoder(width);
  for (let i = 0; i < numbers.length; i++) runs.add(i, rows);
  const indices = makeDataPage(numbers.length * rows, Encoding.rleDictionary, [Uint8Array.of(width), runs.finish()]);
  return {
    path: ['epoch'],
    type: PhysicalType.int32,
    pages: [makeDictionaryPage(numbers.length, int32Bytes(numbers)), indices],
    hasLevels: false,
    bounds: [int32Bytes([numbers[0]]), int32Bytes([numbers[numbers.length - 1]])],
  };
}

function textChunk(name: string, texts: readonly string[]): Chunk {
  const { distinct, indices } = findDistinct(texts);
  const content = distinct.flatMap((text) => [int32Bytes([Buffer.byteLength(text)]), Buffer.from(text)]);
  const width = indexWidth(distinct.length);
  const pages = [
    makeDictionaryPage(distinct.length, Buffer.concat(content)),
    makeDataPage(texts.length, Encoding.rleDictionary, [Uint8Array.of(width), packBits(indices, width)]),
  ];
  return { path: [name], type: PhysicalType.byteArray, pages, hasLevels: false };
}

function shapeChunk(shapes: readonly (readonly number[])[]): Chunk {
  const { distinct, indices } = findDistinct(shapes.flat());
  const repetition = shapes.flatMap((shape) => (shape.length === 0 ? [0] : shape.map((_, i) => (i === 0 ? 0 : 1))));
  const definition = shapes.flatMap((shape) => (shape.length === 0 ? [0] : shape.map(() => 1)));
  const levels = [repetition, definition].map((values) => frameLevels(packBits(values, 1)));
  const width = indexWidth(distinct.length);
  const sections = [...levels, Uint8Array.of(width), packBits(indices, width)];
  const pages = [
    makeDictionaryPage(distinct.length, int32Bytes(distinct)),
    makeDataPage(repetition.length, Encoding.rleDictionary, sections),
  ];
  return { path: ['shape', 'list', 'element'], type: PhysicalType.int32, pages, hasLevels: true };
}

/** The different items in the order of their first appearance, and the position of each item among them. */
function findDistinct<T>(items: readonly T[]): { distinct: T[]; indices: Uint32Array } {
  const positions = new Map<T, number>();
  for (const item of items) if (!positions.has(item)) positions.set(item, positions.size);
  return { distinct: [...positions.keys()], indices: Uint32Array.from(items, (item) => positions.get(item) as number) };
}
