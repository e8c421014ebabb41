// Values of a list column of a Parquet file as they stand in its pages, for readers that pick some of them by position.
// hyparquet parses footer, headers and runs; its own way on makes an array of each list and a number of each level.
// Of the values of a ResNet-20, it reads 42 MB/s on one core, this 430 MB/s (samples are made of a few of them).

import type { ColumnMetaData, DataPageHeader, FileMetaData, ParquetType } from 'hyparquet';
import { parquetHeader } from 'hyparquet/src/column.js';
import { readRleBitPackedHybrid } from 'hyparquet/src/encoding.js';
import { getMaxDefinitionLevel, getMaxRepetitionLevel, getSchemaPath } from 'hyparquet/src/schema.js';
import type { Decompress } from './zstd.js';

/** How the values of a data page stand in its bytes. */
export type PageValues =
  /** One value after the other. */
  | { encoding: 'plain'; bytes: Uint8Array }
  /** First bytes of all values of four, then second bytes, and so on. */
  | { encoding: 'split'; bytes: Uint8Array }
  /** Positions within the dictionary, whose values stand as in `plain`. */
  | { encoding: 'dictionary'; dictionary: Uint8Array; indices: Uint32Array };

/** A column's part of a row group. */
export interface ColumnChunk {
  /** First byte of its pages in the file. */
  offset: number;
  /** Bytes of all its pages with their headers. */
  bytes: number;
  /** Values in it, nulls and empty lists included. */
  entries: number;
  codec: ColumnMetaData['codec'];
  levels: Levels;
}

/** The largest repetition and definition level; entries of a lower definition level have no value. */
interface Levels {
  repetition: number;
  definition: number;
}

/**
 * Finds a column in a row group.
 *
 * @param path names from the schema's root on.
 * @param type the physical type that its values must have.
 * @param size of the file.
 * @throws Error when there is no such column, or it does not lie within the file.
 */
export function findColumn(
  { schema, row_groups }: FileMetaData,
  group: number,
  path: string[],
  type: ParquetType,
  size: number,
): ColumnChunk {
  const name = path.join('.');
  const column = row_groups[group].columns.find(({ meta_data }) => meta_data?.path_in_schema.join('.') === name);
  const data = column?.meta_data;
  if (data?.type !== type) throw new Error(`no column ${name} of type ${type}`);
  const schemaPath = getSchemaPath(schema, path);
  const chunk: ColumnChunk = {
    offset: Number(data.dictionary_page_offset || data.data_page_offset),
    bytes: Number(data.total_compressed_size),
    entries: Number(data.num_values),
    codec: data.codec,
    levels: { repetition: getMaxRepetitionLevel(schemaPath), definition: getMaxDefinitionLevel(schemaPath) },
  };
  if (!(chunk.offset >= 0 && chunk.bytes >= 0 && chunk.offset + chunk.bytes <= size))
    throw new Error(`column ${name} does not lie within the file`);
  return chunk;
}

/**
 * Goes through the data pages of a column chunk.
 *
 * @param bytes those of the chunk.
 * @param take receives each page's values, nulls and empty lists left out, and their number.
 * @throws Error for damage and for what this reader does not know.
 */
export function readPages(
  bytes: Uint8Array,
  { entries, codec, levels }: ColumnChunk,
  decompress: Decompress,
  take: (values: PageValues, count: number) => void,
): void {
  if (codec !== 'ZSTD' && codec !== 'UNCOMPRESSED') throw new Error(`compression ${codec}`);
  const reader = { view: viewOf(bytes), offset: 0 };
  let dictionary: Uint8Array | undefined;
  for (let seen = 0; seen < entries; ) {
    const header = parquetHeader(reader);
    const { compressed_page_size: stored, uncompressed_page_size: raw, data_page_header: data } = header;
    if (data === undefined && header.dictionary_page_header === undefined)
      throw new Error(`page of type ${header.type}`);
    if (!(stored >= 0 && stored <= bytes.length - reader.offset)) throw new RangeError('page ends late');
    if (!(raw >= 0 && raw <= mostPageBytes(entries))) throw new RangeError('page of impossible size');
    const body = bytes.subarray(reader.offset, reader.offset + stored);
    reader.offset += stored;
    const page = codec === 'ZSTD' ? decompress(body, raw) : body;
    if (data === undefined) {
      dictionary = page;
      continue;
    }
    if (!(data.num_values > 0 && data.num_values <= entries - seen)) throw new RangeError('page of too many values');
    seen += data.num_values;
    const { start, count } = skipLevels(page, data, levels);
    take(valuesOf(page.subarray(start), count, data.encoding, dictionary), count);
  }
}

function viewOf({ buffer, byteOffset, length }: Uint8Array): DataView {
  return new DataView(buffer, byteOffset, length);
}

/** A bound that no page needs: values, levels and indices of four bytes each. */
function mostPageBytes(entries: number): number {
  return 2 ** 16 + 16 * entries;
}

/** Where the values of a page begin, and how many there are. */
function skipLevels(page: Uint8Array, { num_values, encoding }: DataPageHeader, { repetition, definition }: Levels) {
  const view = viewOf(page);
  const afterLevels = (start: number) => start + 4 + view.getUint32(start, true);
  const definitions = repetition > 0 ? afterLevels(0) : 0;
  const start = definition > 0 ? afterLevels(definitions) : definitions;
  if (start > page.length) throw new RangeError('levels end late');
  // The number of bytes says it: no need to decode a level for each value.
  if (encoding === 'BYTE_STREAM_SPLIT') return { start, count: (page.length - start) / 4 };
  if (definition === 0) return { start, count: num_values };
  const levels = new Uint8Array(num_values);
  readRleBitPackedHybrid({ view, offset: definitions }, 32 - Math.clz32(definition), levels);
  return { start, count: levels.reduce((sum, level) => sum + (level === definition ? 1 : 0), 0) };
}

function valuesOf(bytes: Uint8Array, count: number, encoding: string, dictionary: Uint8Array | undefined): PageValues {
  switch (encoding) {
    case 'PLAIN':
      return { encoding: 'plain', bytes };
    case 'BYTE_STREAM_SPLIT':
      if (!Number.isInteger(count)) throw new RangeError('page of another size');
      return { encoding: 'split', bytes };
    case 'PLAIN_DICTIONARY':
    case 'RLE_DICTIONARY': {
      if (dictionary === undefined) throw new Error('no dictionary');
      const indices = new Uint32Array(count);
      if (count > 0 && bytes[0] > 0)
        readRleBitPackedHybrid({ view: viewOf(bytes), offset: 1 }, bytes[0], indices, bytes.length - 1);
      return { encoding: 'dictionary', dictionary, indices };
    }
    default:
      throw new Error(`encoding ${encoding}`);
  }
}

/** The texts of a page. */
export function readTexts(page: PageValues, count: number): string[] {
  switch (page.encoding) {
    case 'plain':
      return splitTexts(page.bytes).slice(0, count);
    case 'dictionary': {
      const texts = splitTexts(page.dictionary);
      return Array.from(page.indices, (index) => texts[index]);
    }
    case 'split':
      throw new Error('texts are not split');
    default:
      return page satisfies never;
  }
}

/** Texts, each behind its length in bytes. */
function splitTexts({ buffer, byteOffset, length }: Uint8Array): string[] {
  const bytes = Buffer.from(buffer, byteOffset, length);
  const texts: string[] = [];
  for (let offset = 0; offset < length; ) {
    const end = offset + 4 + bytes.readUInt32LE(offset);
    texts.push(bytes.toString('utf8', offset + 4, end));
    offset = end;
  }
  return texts;
}

/**
 * Copies values of four bytes out of a page.
 *
 * @param first position of the page's first value.
 * @param positions those `from` to `to` (not included) of them are taken; null: the positions `from` to `to` themselves.
 * @param into receives the values' bits from `at` on.
 */
export function pickWords(
  page: PageValues,
  first: number,
  positions: Uint32Array | null,
  from: number,
  to: number,
  into: Int32Array,
  at: number,
): void {
  if (page.encoding === 'dictionary') {
    const { indices } = page;
    const dictionary = viewOf(page.dictionary);
    for (let k = from; k < to; k++)
      into[at++] = dictionary.getInt32(4 * indices[(positions === null ? k : positions[k]) - first], true);
    return;
  }
  const { bytes } = page;
  const [apart, step] = page.encoding === 'split' ? [1, bytes.length >>> 2] : [4, 1];
  for (let k = from; k < to; k++) {
    const i = ((positions === null ? k : positions[k]) - first) * apart;
    into[at++] = bytes[i] | (bytes[i + step] << 8) | (bytes[i + 2 * step] << 16) | (bytes[i + 3 * step] << 24);
  }
}
