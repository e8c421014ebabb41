// Writes weights-00000.parquet ...: the snapshots of a finished run. One row a tensor and snapshot; row groups of whole
// snapshots. It streams: about one row group is in memory, compressed, within parquet-wasm. The reader is weightsReader.ts.

import { closeSync, fsync, openSync, readdirSync, renameSync, rmSync, writeSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { crc32 } from 'node:zlib';
import * as arrow from 'apache-arrow';
import * as parquet from 'parquet-wasm';
import { asWriteError } from '../atomic.js';
import { discardTemporary, temporaryName } from '../files/temporary.js';
import { TOOLKIT_VERSION } from '../version.js';
import { floatListColumn, intListColumn, makeBatch } from './arrowColumns.js';
import { countValues, WEIGHTS_FILE_PATTERN } from './manifest.js';
import type { Snapshot, TensorSpec, WeightsFile } from './schema.js';
import { fillStatistics, STATISTICS_COLUMNS, statisticsColumns, viewStatistics } from './statistics.js';

const flush = promisify(fsync);

/** Raw bytes of values in a row group; at least one snapshot. Small enough to hold, large enough to compress well. */
const ROW_GROUP_BYTES = 8 * 2 ** 20;
/** Raw bytes of values in a file; at least one row group. */
const PART_BYTES = 256 * 2 ** 20;
/**
 * Raw bytes of a page, at least one tensor. Over pages of 1 MiB that makes files of drifting weights 7% smaller, since
 * successive snapshots of a byte stream stand in one ZSTD window; still larger ones are slower to read.
 */
const PAGE_BYTES = 4 * 2 ** 20;

/** Raw bytes of values that are handed to parquet-wasm at once; at least one tensor. It holds some copies of them. */
const BATCH_BYTES = 4 * 2 ** 20;

/** More values than should ever go into a dictionary. */
const LARGE_TENSOR = 2 ** 14;

/** Removes the weight files of a run but those named. */
export function removeWeightsFiles(directory: string, keep: readonly WeightsFile[] = []): void {
  for (const name of readdirSync(directory)) {
    if (!WEIGHTS_FILE_PATTERN.test(name) || keep.some((file) => file.name === name)) continue;
    rmSync(join(directory, name), { force: true });
  }
}

/** Sizes that tests make small. */
export interface ParquetSizes {
  /** Raw bytes of values in a row group. Default 8 MiB. */
  rowGroupBytes?: number;
  /** Raw bytes of values in a file. Default 256 MiB. */
  partBytes?: number;
}

/**
 * Writes snapshots to the weight files of a run, and removes those of an earlier attempt. Each file appears whole.
 *
 * @returns the files in order; none for no snapshots.
 * @throws WriteError when the disk is full; no temporary file is left.
 */
export async function writeWeightsParquet(
  directory: string,
  tensors: readonly TensorSpec[],
  snapshots: Iterable<Snapshot> | AsyncIterable<Snapshot>,
  { rowGroupBytes = ROW_GROUP_BYTES, partBytes = PART_BYTES }: ParquetSizes = {},
): Promise<WeightsFile[]> {
  const snapshotBytes = Math.max(1, 4 * tensors.reduce((sum, { shape }) => sum + countValues(shape), 0));
  const perGroup = Math.max(1, Math.floor(rowGroupBytes / snapshotBytes));
  const perPart = perGroup * Math.max(1, Math.floor(partBytes / (snapshotBytes * perGroup)));
  const source = Symbol.iterator in snapshots ? snapshots[Symbol.iterator]() : snapshots[Symbol.asyncIterator]();
  let encode: ReturnType<typeof makeEncoder> | undefined;
  const files: WeightsFile[] = [];
  try {
    for (let next = await source.next(); !next.done; ) {
      const properties = writerProperties(tensors, perGroup, next.value);
      let inPart = 0;
      const batches = async function* () {
        for (; !next.done && inPart < perPart; inPart++) {
          encode ??= makeEncoder(tensors, next.value.statistics !== undefined);
          yield* encode(next.value);
          next = await source.next();
        }
      };
      const name = `weights-${String(files.length).padStart(5, '0')}.parquet`;
      files.push({ name, ...(await writePart(join(directory, name), properties, batches())) });
    }
  } finally {
    await source.return?.();
  }
  removeWeightsFiles(directory, files);
  return files;
}

/**
 * Makes the function that hands a snapshot to the writer's WebAssembly module, a few tensors at a time.
 *
 * @param hasStatistics whether snapshots have statistics of their tensors.
 */
function makeEncoder(
  tensors: readonly TensorSpec[],
  hasStatistics: boolean,
): (snapshot: Snapshot) => Generator<parquet.RecordBatch> {
  // Small tensors first, so that the dictionary of `values` overflows (see below) before a large one has gone into it.
  const order = tensors.map((_, i) => i).sort((a, b) => countValues(tensors[a].shape) - countValues(tensors[b].shape));
  const groups: number[][] = [];
  let bytes = 0;
  for (const i of order) {
    const more = 4 * countValues(tensors[i].shape);
    if (groups.length === 0 || bytes + more > BATCH_BYTES) {
      groups.push([]);
      bytes = 0;
    }
    (groups.at(-1) as number[]).push(i);
    bytes += more;
  }
  // Streams of a run's many groups, kept, would take as much memory as a snapshot.
  const kept =
    groups.length === 1
      ? makeStream(
          groups[0].map((i) => tensors[i]),
          hasStatistics,
        )
      : undefined;
  return function* (snapshot) {
    for (const group of groups) {
      const { stream, epochs, values, statistics } =
        kept ??
        makeStream(
          group.map((i) => tensors[i]),
          hasStatistics,
        );
      epochs.fill(snapshot.epoch);
      for (const [row, i] of group.entries()) values[row].set(snapshot.values[i]);
      fillStatistics(statistics, snapshot.statistics ?? [], group);
      const table = parquet.Table.fromIPCStream(stream);
      const [copy] = table.recordBatches();
      table.free();
      yield copy;
    }
  };
}

/** An Arrow stream of one batch, and views of what differs between snapshots, to be overwritten. */
interface BatchStream {
  stream: Uint8Array;
  epochs: Int32Array;
  /** Of each row. */
  values: Float32Array[];
  /** The columns of statistics, a value a row; none where the run has none. */
  statistics: Float32Array[];
}

function makeStream(rows: readonly TensorSpec[], hasStatistics: boolean): BatchStream {
  const batch = makeBatch(rows.length, {
    epoch: arrow.makeData({ type: new arrow.Int32(), data: new Int32Array(rows.length) }),
    tensor: dictionaryColumn(
      0,
      rows.map(({ name }) => name),
    ),
    kind: dictionaryColumn(
      1,
      rows.map(({ kind }) => kind),
    ),
    shape: intListColumn(rows.map(({ shape }) => shape)),
    values: floatListColumn(rows.map(({ shape }) => new Float32Array(countValues(shape)))),
    ...(hasStatistics && statisticsColumns(rows.length)),
  });
  const stream = arrow.RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true);
  // Read back from memory, the columns are views of the stream.
  const [view] = arrow.RecordBatchReader.from(stream).readAll();
  const epochs = view.getChild('epoch')?.data[0].values as Int32Array;
  const lists = view.getChild('values')?.data[0] as arrow.Data<arrow.List<arrow.Float32>>;
  const floats = lists.children[0].values as Float32Array;
  const statistics = hasStatistics
    ? viewStatistics((name) => view.getChild(name)?.data[0] as arrow.Data, rows.length)
    : [];
  if ([epochs, ...(floats.length > 0 ? [floats] : []), ...statistics].some(({ buffer }) => buffer !== stream.buffer))
    throw new Error('copies in place of views');
  const values = rows.map((_, row) => floats.subarray(lists.valueOffsets[row], lists.valueOffsets[row + 1]));
  return { stream, epochs, values, statistics };
}

function dictionaryColumn(id: number, texts: readonly string[]): arrow.Data {
  const positions = new Map([...new Set(texts)].map((text, i) => [text, i]));
  return arrow.makeData({
    type: new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), id),
    length: texts.length,
    nullCount: 0,
    data: Int32Array.from(texts, (text) => positions.get(text) as number),
    dictionary: arrow.vectorFromArray([...positions.keys()], new arrow.Utf8()),
  });
}

/**
 * Settings of the writer. It can set the encoding of flat columns one by one, but that of list items only for all
 * columns together: BYTE_STREAM_SPLIT, for `values`. Some readers know that encoding for floats only, so the items of
 * `shape` must stay in their dictionary: its limit is what the largest of the small columns needs, and `values` outgrow it.
 *
 * @param first the file's first snapshot. Where its values would not outgrow the dictionary in time, they stand plain.
 */
function writerProperties(
  tensors: readonly TensorSpec[],
  snapshotsPerGroup: number,
  first: Snapshot,
): parquet.WriterProperties {
  const nameBytes = tensors.reduce((sum, { name }) => sum + Buffer.byteLength(name) + 4, 0);
  const sizes = new Set(tensors.flatMap(({ shape }) => shape)).size;
  const dictionaryBytes = Math.max(nameBytes, 4 * sizes) + 1;
  const isSplit = outgrowsDictionary(first, dictionaryBytes);
  let builder = new parquet.WriterPropertiesBuilder()
    .setCreatedBy(`weight-nowcaster version ${TOOLKIT_VERSION}`)
    .setCompression(parquet.Compression.ZSTD)
    .setMaxRowGroupSize(snapshotsPerGroup * tensors.length)
    .setDataPageSizeLimit(PAGE_BYTES)
    .setStatisticsEnabled(parquet.EnabledStatistics.None)
    .setColumnStatisticsEnabled('epoch', parquet.EnabledStatistics.Chunk)
    .setEncoding(isSplit ? parquet.Encoding.BYTE_STREAM_SPLIT : parquet.Encoding.PLAIN)
    .setDictionaryEnabled(isSplit)
    .setWriteBatchSize(1)
    .setDictionaryPageSizeLimit(dictionaryBytes);
  for (const column of ['epoch', 'tensor', 'kind'])
    builder = builder.setColumnDictionaryEnabled(column, true).setColumnEncoding(column, parquet.Encoding.PLAIN);
  if (first.statistics !== undefined)
    for (const column of STATISTICS_COLUMNS)
      builder = builder.setColumnDictionaryEnabled(column, false).setColumnEncoding(column, parquet.Encoding.PLAIN);
  return builder.build();
}

/**
 * Whether a snapshot's values outgrow a dictionary before a large tensor comes. The writer looks only between tensors,
 * and one that goes into the dictionary takes ten times as long to write and half as much room again.
 */
function outgrowsDictionary({ values }: Snapshot, bytes: number): boolean {
  const distinct = new Set<number>();
  for (const array of [...values].sort((a, b) => a.length - b.length)) {
    if (array.length > LARGE_TENSOR) return false;
    for (const value of array) distinct.add(value);
    if (4 * distinct.size > bytes) return true;
  }
  return true;
}

/** Writes one Parquet file from batches that are pulled one at a time until there is none. */
async function writePart(
  path: string,
  properties: parquet.WriterProperties,
  source: AsyncIterator<parquet.RecordBatch>,
): Promise<{ bytes: number; crc32: number }> {
  const temporary = temporaryName(path);
  const written = { bytes: 0, crc32: 0 };
  let failure: unknown;
  const batches = new ReadableStream<parquet.RecordBatch>(
    {
      async pull(controller) {
        try {
          const { value, done } = await source.next();
          if (!done) controller.enqueue(value);
          else controller.close();
        } catch (error) {
          // The WebAssembly module does not hand errors of its source on: it must see an end.
          failure = error;
          controller.close();
        }
      },
    },
    { highWaterMark: 0 },
  );
  try {
    const descriptor = openSync(temporary, 'w');
    try {
      const chunks = (await parquet.transformParquetStream(batches, properties)) as ReadableStream<Uint8Array>;
      for await (const chunk of chunks) {
        for (let offset = 0; offset < chunk.length; ) offset += writeSync(descriptor, chunk, offset);
        written.bytes += chunk.length;
        written.crc32 = crc32(chunk, written.crc32);
      }
      if (failure !== undefined) throw failure;
      await flush(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    return written;
  } catch (error) {
    discardTemporary(temporary);
    throw asWriteError(error, path);
  }
}
