// Reads weights-00000.parquet ...: chosen scalars of a finished run, snapshot by snapshot, a row group in memory at a
// time. A file's checksum is compared first, so no decoder sees damage. The writer is weightsWriter.ts.

import { closeSync } from 'node:fs';
import { join } from 'node:path';
import { type FileMetaData, type ParquetType, parquetMetadata } from 'hyparquet';
import { type ColumnChunk, findColumn, pickWords, readPages, readTexts } from '../formats/parquetPages.js';
import { type Decompress, openDecompressor } from '../formats/zstd.js';
import { damagedParquet, openChecked, readBytes } from './checkedFile.js';
import { countValues } from './manifest.js';
import type { TensorSpec, TensorStatistics, WeightsFile } from './schema.js';
import { STATISTICS_COLUMNS, takeStatistics } from './statistics.js';

/** Scalars of one tensor. */
export interface ScalarChoice {
  tensor: string;
  /** Ascending positions within the tensor, row-major; null for all of it. */
  indices: Uint32Array | null;
}

/** The chosen scalars of one snapshot. */
export interface ScalarSnapshot {
  epoch: number;
  /** Choice after choice, in the order in which they were given. A view of a buffer that a row group shares. */
  values: Float32Array;
}

/**
 * The chosen scalars of each snapshot of one weight file.
 *
 * @param firstSnapshot snapshots before this one are left out.
 * @param most snapshots that the file may have.
 * @returns snapshots in the file, those left out among them.
 * @throws CorruptFileError when the file is not there, is not as it was written, or holds other tensors.
 */
export async function* readWeightsFile(
  directory: string,
  file: WeightsFile,
  tensors: readonly TensorSpec[],
  choices: readonly ScalarChoice[],
  firstSnapshot: number,
  most: number,
): AsyncGenerator<ScalarSnapshot, number> {
  const path = join(directory, file.name);
  let places: Places | undefined;
  let snapshots = 0;
  try {
    for await (const { epochs, order, decompress, load } of readRowGroups(path, file, tensors, most)) {
      snapshots += epochs.length;
      if (epochs[epochs.length - 1] < firstSnapshot) continue;
      if (order.join('\n') !== places?.order.join('\n')) places = findPlaces(order, tensors, choices);
      const values = readChosen(...load(['values', 'list', 'element'], 'FLOAT'), decompress, epochs.length, places);
      for (const [i, epoch] of epochs.entries())
        if (epoch >= firstSnapshot) yield { epoch, values: values.subarray(i * places.count, (i + 1) * places.count) };
    }
    return snapshots;
  } catch (error) {
    throw damagedParquet(path, error);
  }
}

/** The statistics of the tensors of one snapshot, in the order of the manifest. */
export interface StatisticsSnapshot {
  epoch: number;
  statistics: TensorStatistics[];
}

/**
 * The statistics beside the scalars of each snapshot of one weight file.
 *
 * @throws CorruptFileError as {@link readWeightsFile}, and where the file has none.
 */
export async function* readFileStatistics(
  directory: string,
  file: WeightsFile,
  tensors: readonly TensorSpec[],
): AsyncGenerator<StatisticsSnapshot> {
  const path = join(directory, file.name);
  const each = tensors.length;
  try {
    const groups = readRowGroups(path, file, tensors, Number.POSITIVE_INFINITY);
    for await (const { epochs, order, decompress, load } of groups) {
      const columns = STATISTICS_COLUMNS.map((name) =>
        readFlat(...load([name], 'FLOAT'), decompress, epochs.length * each),
      );
      const rowOf = new Map(order.map((name, row) => [name, row]));
      for (const [i, epoch] of epochs.entries()) {
        const rows = takeStatistics(columns, each, i * each);
        yield { epoch, statistics: tensors.map(({ name }) => rows[rowOf.get(name) as number]) };
      }
    }
  } catch (error) {
    throw damagedParquet(path, error);
  }
}

/** A row group: whole snapshots. */
interface RowGroup {
  /** Number of each snapshot. */
  epochs: Int32Array;
  /** Names of the tensors of each snapshot's rows. */
  order: string[];
  decompress: Decompress;
  /** Reads the pages of a column, into memory that the next call uses again. */
  load(path: string[], type: ParquetType): [Uint8Array, ColumnChunk];
}

async function* readRowGroups(
  path: string,
  file: WeightsFile,
  tensors: readonly TensorSpec[],
  most: number,
): AsyncGenerator<RowGroup> {
  const descriptor = openChecked(path, file);
  try {
    const decompress = await openDecompressor();
    const size = file.bytes;
    const metadata = readFooter(descriptor, size);
    let memory = new Uint8Array(0);
    let snapshots = 0;
    for (const [group, { num_rows }] of metadata.row_groups.entries()) {
      const load = (path: string[], type: ParquetType): [Uint8Array, ColumnChunk] => {
        const chunk = findColumn(metadata, group, path, type, size);
        if (memory.length < chunk.bytes) memory = new Uint8Array(Math.ceil(1.25 * chunk.bytes));
        return [readBytes(descriptor, chunk.offset, memory.subarray(0, chunk.bytes)), chunk];
      };
      const rows = Number(num_rows);
      if (!(rows > 0 && rows % tensors.length === 0 && snapshots + rows / tensors.length <= most))
        throw new Error(`row group of ${rows} rows`);
      const epochs = readEpochs(...load(['epoch'], 'INT32'), decompress, rows, tensors.length);
      const order = readOrder(...load(['tensor'], 'BYTE_ARRAY'), decompress, rows, tensors.length);
      snapshots += epochs.length;
      yield { epochs, order, decompress, load };
    }
  } finally {
    closeSync(descriptor);
  }
}

function readFooter(descriptor: number, size: number): FileMetaData {
  const end = readBytes(descriptor, Math.max(0, size - 8), new Uint8Array(Math.min(8, size)));
  const length = 8 + Buffer.from(end.buffer).readUInt32LE(0);
  if (length > size - 4) throw new Error('not a Parquet file');
  return parquetMetadata(readBytes(descriptor, size - length, new Uint8Array(length)));
}

/** The values of a column with one a row. */
function readFlat(bytes: Uint8Array, chunk: ColumnChunk, decompress: Decompress, rows: number): Float32Array {
  return new Float32Array(readFlatWords(bytes, chunk, decompress, rows).buffer);
}

function readFlatWords(bytes: Uint8Array, chunk: ColumnChunk, decompress: Decompress, rows: number): Int32Array {
  if (chunk.entries !== rows) throw new Error('a column is of another size');
  const words = new Int32Array(rows);
  let at = 0;
  readPages(bytes, chunk, decompress, (page, count) => {
    pickWords(page, at, null, at, at + count, words, at);
    at += count;
  });
  return words;
}

/** The number of each snapshot of a row group. */
function readEpochs(bytes: Uint8Array, chunk: ColumnChunk, decompress: Decompress, rows: number, each: number) {
  const epochs = readFlatWords(bytes, chunk, decompress, rows);
  if (epochs.some((epoch, row) => epoch !== epochs[row - (row % each)]))
    throw new Error('row group does not hold whole snapshots');
  return epochs.filter((_, row) => row % each === 0);
}

/** The tensors of each snapshot's rows, which are the same ones in all of a row group. */
function readOrder(bytes: Uint8Array, chunk: ColumnChunk, decompress: Decompress, rows: number, each: number) {
  if (chunk.entries !== rows) throw new Error('column tensor is of another size');
  const names: string[] = [];
  readPages(bytes, chunk, decompress, (page, count) => {
    for (const text of readTexts(page, count)) names.push(text);
  });
  if (names.length !== rows || names.some((name, row) => name !== names[row % each]))
    throw new Error('row group does not hold whole snapshots');
  return names.slice(0, each);
}

/** Where the chosen scalars of a snapshot stand in a file, for one order of its rows. */
interface Places {
  /** Names of the tensors, row after row. */
  order: string[];
  /** Values of a whole snapshot. */
  size: number;
  /** Chosen values of a snapshot. */
  count: number;
  /** Of each choice: its tensor's values in the snapshot, which of them, and where they go among the chosen ones. */
  choices: { offset: number; size: number; indices: Uint32Array | null; target: number }[];
}

function findPlaces(order: string[], tensors: readonly TensorSpec[], choices: readonly ScalarChoice[]): Places {
  const sizes = new Map(tensors.map(({ name, shape }) => [name, countValues(shape)]));
  const offsets = new Map<string, number>();
  let size = 0;
  for (const name of order) {
    const own = sizes.get(name);
    if (own === undefined || offsets.has(name)) throw new Error(`tensor ${name} is not that of the manifest`);
    offsets.set(name, size);
    size += own;
  }
  const places: Places = { order, size, count: 0, choices: [] };
  for (const { tensor, indices } of choices) {
    const [offset, own] = [offsets.get(tensor), sizes.get(tensor)];
    if (offset === undefined || own === undefined) throw new Error(`no tensor ${tensor}`);
    places.choices.push({ offset, size: own, indices, target: places.count });
    places.count += indices?.length ?? own;
  }
  return places;
}

/** The chosen values of all snapshots of a row group: [snapshots, chosen]. */
function readChosen(
  bytes: Uint8Array,
  chunk: ColumnChunk,
  decompress: Decompress,
  snapshots: number,
  { order, size, count, choices }: Places,
): Float32Array {
  // A tensor without values takes an entry.
  if (chunk.entries > snapshots * (size + order.length)) throw new Error('column values is of another size');
  const words = new Int32Array(snapshots * count);
  let at = 0;
  readPages(bytes, chunk, decompress, (page, values) => {
    const end = at + values;
    for (let snapshot = Math.floor(at / size); snapshot * size < end; snapshot++)
      for (const { offset, size: own, indices, target } of choices) {
        const start = snapshot * size + offset;
        let from = Math.max(0, at - start);
        let to = Math.min(own, end - start);
        if (from >= to) continue;
        if (indices !== null) [from, to] = [firstAtLeast(indices, from), firstAtLeast(indices, to)];
        pickWords(page, at - start, indices, from, to, words, snapshot * count + target + from);
      }
    at = end;
  });
  if (at !== snapshots * size) throw new Error('column values is of another size');
  return new Float32Array(words.buffer);
}

/** Position of the first of ascending numbers that is not below `limit`. */
function firstAtLeast(numbers: Uint32Array, limit: number): number {
  let low = 0;
  let high = numbers.length;
  while (low < high) {
    const middle = (low + high) >>> 1;
    if (numbers[middle] < limit) low = middle + 1;
    else high = middle;
  }
  return low;
}
