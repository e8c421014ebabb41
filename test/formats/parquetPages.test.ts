// Values picked from pages, against the Arrow table that parquet-wasm wrote.

import * as arrow from 'apache-arrow';
import { parquetMetadata } from 'hyparquet';
import * as parquet from 'parquet-wasm';
import { expect, test } from 'vitest';
import { findColumn, pickWords, readPages, readTexts } from '../../src/formats/parquetPages.js';
import { openDecompressor } from '../../src/formats/zstd.js';
import { Random } from '../../src/random.js';

const ROWS = 300;
const PATH = ['values', 'list', 'element'];
const random = new Random(7);

/** Lists of 0 to 39 floats; some lists and some floats are null where `nullable`. */
function makeLists(nullable: boolean): (number | null)[][] {
  return Array.from({ length: ROWS }, () =>
    Array.from({ length: random.below(40) }, () =>
      nullable && random.below(9) === 0 ? null : Math.fround(random.below(50) / 7),
    ),
  );
}

function write(lists: (number | null)[][], nullable: boolean, set: (b: parquet.WriterPropertiesBuilder) => typeof b) {
  const item = new arrow.Field('element', new arrow.Float32(), nullable);
  const values = arrow.vectorFromArray(lists, new arrow.List(item));
  const text = arrow.vectorFromArray(
    lists.map((_, i) => `row ${i % 11} ü`),
    new arrow.Utf8(),
  );
  const fields = [new arrow.Field('values', values.type, nullable), new arrow.Field('text', text.type, false)];
  const table = new arrow.Table(new arrow.Schema(fields), { values, text });
  const builder = set(new parquet.WriterPropertiesBuilder().setCompression(parquet.Compression.ZSTD));
  return parquet.writeParquet(
    parquet.Table.fromIPCStream(arrow.tableToIPC(table, 'stream')),
    builder.setDataPageSizeLimit(2000).setWriteBatchSize(64).setMaxRowGroupSize(ROWS).build(),
  );
}

const ENCODINGS: Record<string, (b: parquet.WriterPropertiesBuilder) => typeof b> = {
  plain: (b) => b.setDictionaryEnabled(false),
  split: (b) => b.setDictionaryEnabled(false).setEncoding(parquet.Encoding.BYTE_STREAM_SPLIT),
  dictionary: (b) => b,
  'dictionary, then split': (b) => b.setDictionaryPageSizeLimit(40).setEncoding(parquet.Encoding.BYTE_STREAM_SPLIT),
  'plain, not compressed': (b) => b.setDictionaryEnabled(false).setCompression(parquet.Compression.UNCOMPRESSED),
};

test.each(Object.keys(ENCODINGS).flatMap((name) => [false, true].map((nullable) => ({ name, nullable }))))(
  'of pages that are $name, with nulls: $nullable',
  async ({ name, nullable }) => {
    const lists = makeLists(nullable);
    const columnEncoding = (b: parquet.WriterPropertiesBuilder) => b.setColumnEncoding('text', parquet.Encoding.PLAIN);
    const file = write(lists, nullable, (b) => columnEncoding(ENCODINGS[name](b)));
    const expected = lists.flat().filter((value) => value !== null);
    const decompress = await openDecompressor();
    const chunk = findColumn(parquetMetadata(file), 0, PATH, 'FLOAT', file.length);
    const bytes = file.subarray(chunk.offset, chunk.offset + chunk.bytes);
    const all = new Int32Array(expected.length);
    const positions = random.sample(expected.length, 200).sort();
    const some = new Int32Array(positions.length);
    let [pages, at] = [0, 0];
    readPages(bytes, chunk, decompress, (page, count) => {
      pickWords(page, at, null, at, at + count, all, at);
      const from = positions.findIndex((position) => position >= at);
      const to = positions.filter((position) => position < at + count).length;
      if (from >= 0 && from < to) pickWords(page, at, positions, from, to, some, from);
      at += count;
      pages++;
    });
    expect(pages).toBeGreaterThan(2);
    expect([...new Float32Array(all.buffer)]).toEqual(expected);
    expect([...new Float32Array(some.buffer)]).toEqual(Array.from(positions, (i) => expected[i]));

    const texts: string[] = [];
    const column = findColumn(parquetMetadata(file), 0, ['text'], 'BYTE_ARRAY', file.length);
    const part = file.subarray(column.offset, column.offset + column.bytes);
    readPages(part, column, decompress, (page, count) => texts.push(...readTexts(page, count)));
    expect(texts).toEqual(lists.map((_, i) => `row ${i % 11} ü`));
  },
);

test('what cannot be read is said', async () => {
  const lists = makeLists(false);
  const file = write(lists, false, (b) => b.setCompression(parquet.Compression.SNAPPY));
  const metadata = parquetMetadata(file);
  const chunk = findColumn(metadata, 0, PATH, 'FLOAT', file.length);
  const decompress = await openDecompressor();
  expect(() => readPages(file.subarray(chunk.offset), chunk, decompress, () => {})).toThrow(/compression SNAPPY/);
  expect(() => findColumn(metadata, 0, ['epoch'], 'INT32', file.length)).toThrow(/no column epoch/);
  expect(() => findColumn(metadata, 0, PATH, 'INT32', file.length)).toThrow(/of type INT32/);
  expect(() => findColumn(metadata, 0, PATH, 'FLOAT', chunk.offset + chunk.bytes - 1)).toThrow(/within the file/);
  const delta = write(lists, false, (b) => b.setWriterVersion(parquet.WriterVersion.V2));
  const second = findColumn(parquetMetadata(delta), 0, PATH, 'FLOAT', delta.length);
  const pages = delta.subarray(second.offset, second.offset + second.bytes);
  expect(() => readPages(pages, second, decompress, () => {})).toThrow(/page of type DATA_PAGE_V2/);
});
