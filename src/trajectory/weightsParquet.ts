// weights-00000.parquet ...: the snapshots of a finished run. One row a tensor and epoch; row groups of whole epochs.
// Both ways stream: no more than about one row group is in memory.

import {
  closeSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as arrow from 'apache-arrow';
import * as parquet from 'parquet-wasm';
import { asWriteError, temporaryName } from '../atomic.js';
import { CorruptFileError } from '../errors.js';
import { TOOLKIT_VERSION } from '../version.js';
import { floatListColumn, intListColumn, makeBatch } from './arrowColumns.js';
import { countValues, WEIGHTS_FILE_PATTERN } from './manifest.js';
import type { Snapshot, TensorSpec, WeightsFile } from './schema.js';

/** Raw bytes of values in a row group; at least one epoch. Small enough to hold, large enough to compress well. */
const ROW_GROUP_BYTES = 8 * 2 ** 20;
/** Raw bytes of values in a file; at least one row group. */
const PART_BYTES = 256 * 2 ** 20;

/** Removes the weight files of a run but those named. */
export function removeWeightsFiles(directory: string, keep: readonly WeightsFile[] = []): void {
  for (const name of readdirSync(directory)) {
    if (!WEIGHTS_FILE_PATTERN.test(name) || keep.some((file) => file.name === name)) continue;
    rmSync(join(directory, name), { force: true });
  }
}

/**
 * Makes the function that hands an epoch to the writer's WebAssembly module. All epochs of a run differ only in two
 * columns, so one Arrow stream is made and those two are overwritten in it, epoch after epoch.
 */
function makeEncoder(tensors: readonly TensorSpec[]): (snapshot: Snapshot) => parquet.RecordBatch {
  const rowSpecs = orderRows(tensors);
  const rows = tensors.length;
  const batch = makeBatch(rows, {
    epoch: arrow.makeData({ type: new arrow.Int32(), data: new Int32Array(rows) }),
    tensor: dictionaryColumn(
      0,
      rowSpecs.map(({ name }) => name),
    ),
    kind: dictionaryColumn(
      1,
      rowSpecs.map(({ kind }) => kind),
    ),
    shape: intListColumn(rowSpecs.map(({ shape }) => shape)),
    values: floatListColumn(rowSpecs.map(({ shape }) => new Float32Array(countValues(shape)))),
  });
  const stream = arrow.RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true);
  // Read back from memory, the columns are views of the stream.
  const [view] = arrow.RecordBatchReader.from(stream).readAll();
  const epochs = view.getChild('epoch')?.data[0].values as Int32Array;
  const lists = view.getChild('values')?.data[0] as arrow.Data<arrow.List<arrow.Float32>>;
  const floats = lists.children[0].values as Float32Array;
  if (epochs.buffer !== stream.buffer || floats.buffer !== stream.buffer) throw new Error('copies in place of views');
  const indices = rowSpecs.map((spec) => tensors.indexOf(spec));
  return ({ epoch, values }) => {
    epochs.fill(epoch);
    for (let row = 0; row < rows; row++) floats.set(values[indices[row]], lists.valueOffsets[row]);
    const table = parquet.Table.fromIPCStream(stream);
    const result = table.recordBatch(0);
    table.free();
    if (result === undefined) throw new Error('empty record batch');
    return result;
  };
}

function dictionaryColumn(id: number, texts: readonly string[]): arrow.Data {
  const distinct = [...new Set(texts)];
  return arrow.makeData({
    type: new arrow.Dictionary(new arrow.Utf8(), new arrow.Int32(), id),
    length: texts.length,
    nullCount: 0,
    data: Int32Array.from(texts, (text) => distinct.indexOf(text)),
    dictionary: arrow.vectorFromArray(distinct, new arrow.Utf8()),
  });
}

/**
 * The order of an epoch's rows: small tensors first. So the dictionary of `values` overflows (see below) before a large
 * tensor has gone into it; the writer looks only between rows.
 */
function orderRows(tensors: readonly TensorSpec[]): TensorSpec[] {
  return [...tensors].sort((a, b) => countValues(a.shape) - countValues(b.shape));
}

/**
 * Settings of the writer. It can set the encoding of flat columns one by one, but that of list items only for all
 * columns together: BYTE_STREAM_SPLIT, for `values`. DuckDB reads that encoding for floats only, so the items of `shape`
 * must stay in their dictionary: its limit is what the largest of the small columns needs, and `values` outgrow it.
 */
function writerProperties(tensors: readonly TensorSpec[], epochsPerGroup: number): parquet.WriterProperties {
  const nameBytes = tensors.reduce((sum, { name }) => sum + Buffer.byteLength(name) + 4, 0);
  const sizes = new Set(tensors.flatMap(({ shape }) => shape)).size;
  return new parquet.WriterPropertiesBuilder()
    .setCreatedBy(`weight-nowcaster version ${TOOLKIT_VERSION}`)
    .setCompression(parquet.Compression.ZSTD)
    .setMaxRowGroupSize(epochsPerGroup * tensors.length)
    .setStatisticsEnabled(parquet.EnabledStatistics.None)
    .setColumnStatisticsEnabled('epoch', parquet.EnabledStatistics.Chunk)
    .setEncoding(parquet.Encoding.BYTE_STREAM_SPLIT)
    .setDictionaryEnabled(true)
    .setWriteBatchSize(1)
    .setDictionaryPageSizeLimit(Math.max(4096, nameBytes, 4 * sizes) + 1)
    .setColumnEncoding('epoch', parquet.Encoding.PLAIN)
    .setColumnEncoding('tensor', parquet.Encoding.PLAIN)
    .setColumnEncoding('kind', parquet.Encoding.PLAIN)
    .build();
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
 * @returns the files in order; none for no epochs.
 * @throws WriteError when the disk is full; no temporary file is left.
 */
export async function writeWeightsParquet(
  directory: string,
  tensors: readonly TensorSpec[],
  snapshots: Iterable<Snapshot> | AsyncIterable<Snapshot>,
  { rowGroupBytes = ROW_GROUP_BYTES, partBytes = PART_BYTES }: ParquetSizes = {},
): Promise<WeightsFile[]> {
  const epochBytes = 4 * tensors.reduce((sum, { shape }) => sum + countValues(shape), 0);
  const epochsPerGroup = Math.max(1, Math.floor(rowGroupBytes / Math.max(1, epochBytes)));
  const epochsPerPart = epochsPerGroup * Math.max(1, Math.floor(partBytes / Math.max(1, epochBytes * epochsPerGroup)));
  const encode = makeEncoder(tensors);
  const source = toAsyncIterator(snapshots);
  const files: WeightsFile[] = [];
  try {
    for (let next = await source.next(); !next.done; ) {
      const name = `weights-${String(files.length).padStart(5, '0')}.parquet`;
      let inPart = 0;
      const written = await writePart(join(directory, name), writerProperties(tensors, epochsPerGroup), async () => {
        if (next.done || inPart === epochsPerPart) return undefined;
        const batch = encode(next.value);
        next = await source.next();
        inPart++;
        return batch;
      });
      files.push({ name, ...written });
    }
  } finally {
    await source.return?.();
  }
  removeWeightsFiles(directory, files);
  return files;
}

function toAsyncIterator<T>(items: Iterable<T> | AsyncIterable<T>): AsyncIterator<T> {
  return (async function* () {
    yield* items;
  })();
}

/** Writes one Parquet file from batches pulled one at a time until `pull` gives none. */
async function writePart(
  path: string,
  properties: parquet.WriterProperties,
  pull: () => Promise<parquet.RecordBatch | undefined>,
): Promise<{ bytes: number; crc32: number }> {
  const temporary = temporaryName(path);
  const written = { bytes: 0, crc32: 0 };
  let failure: unknown;
  try {
    const descriptor = openSync(temporary, 'w');
    try {
      const batches = new ReadableStream<parquet.RecordBatch>(
        {
          async pull(controller) {
            // The writer inside the WebAssembly module does not hand errors of its source on: it must see an end.
            const batch = await pull().catch((error: unknown) => {
              failure = error;
            });
            if (batch) controller.enqueue(batch);
            else controller.close();
          },
        },
        { highWaterMark: 0 },
      );
      const bytes = (await parquet.transformParquetStream(batches, properties)) as ReadableStream<Uint8Array>;
      for await (const chunk of bytes) {
        for (let offset = 0; offset < chunk.length; ) offset += writeSync(descriptor, chunk, offset);
        written.bytes += chunk.length;
        written.crc32 = crc32(chunk, written.crc32);
      }
      if (failure !== undefined) throw failure;
      fsyncSync(descriptor);
    } finally {
      closeSync(descriptor);
    }
    renameSync(temporary, path);
    return written;
  } catch (error) {
    rmSync(temporary, { force: true });
    throw asWriteError(error, path);
  }
}

/** What parquet-wasm uses of a Blob, over an open file: it reads the footer, then each row group when asked for. */
class FileRange {
  readonly size: number;

  constructor(
    readonly descriptor: number,
    readonly start: number,
    readonly end: number,
  ) {
    this.size = end - start;
  }

  slice(from: number, to: number): FileRange {
    return new FileRange(this.descriptor, this.start + from, Math.min(this.end, this.start + to));
  }

  async arrayBuffer(): Promise<ArrayBuffer> {
    const bytes = new Uint8Array(Math.max(0, this.size));
    for (let done = 0; done < bytes.length; ) {
      const count = readSync(this.descriptor, bytes, done, bytes.length - done, this.start + done);
      if (count === 0) throw new Error('file is shorter than its footer says');
      done += count;
    }
    return bytes.buffer;
  }
}

/** What to read of a run. */
export interface SnapshotSelection {
  /** Leave out epochs before this one. Default: none. */
  firstEpoch?: number;
  /** Names of the tensors to give, in any order; others are left out. Default: all. */
  tensors?: readonly string[];
}

/**
 * Reads the snapshots of one weight file in order, a row group in memory at a time. The values of a row group share one
 * buffer; whoever keeps a few of them should copy. `metrics` are empty.
 *
 * @throws {@link CorruptFileError} when the file is truncated, damaged, or does not hold the tensors of the manifest.
 */
export async function* readWeightsPart(
  directory: string,
  weightsFile: WeightsFile,
  tensors: readonly TensorSpec[],
  { firstEpoch = Number.NEGATIVE_INFINITY, tensors: chosen }: SnapshotSelection = {},
): AsyncGenerator<Snapshot> {
  const wanted = chosen && new Set(chosen);
  const path = join(directory, weightsFile.name);
  const descriptor = await guard(path, () => openSync(path, 'r'));
  try {
    const file = await guard(path, () => openParquet(descriptor, weightsFile));
    const groups = await guard(path, () => file.metadata().numRowGroups());
    for (let group = 0; group < groups; group++) {
      if (firstEpoch > 0) {
        const epochs = await guard(path, async () => readGroup(file, group, ['epoch']));
        const column = epochs.getChild('epoch')?.data[0]?.values as Int32Array | undefined;
        if (column !== undefined && column[column.length - 1] < firstEpoch) continue;
      }
      const table = await guard(path, () => readGroup(file, group));
      const snapshots = await guard(path, () => splitEpochs(table, tensors));
      for (const snapshot of snapshots) {
        if (snapshot.epoch < firstEpoch) continue;
        if (wanted) snapshot.values = snapshot.values.filter((_, i) => wanted.has(tensors[i].name));
        yield snapshot;
      }
    }
    file.free();
  } finally {
    closeSync(descriptor);
  }
}

/** Opens a file that is as it was written. The decoder does not survive damaged input, so that must not reach it. */
async function openParquet(descriptor: number, { bytes, crc32: expected }: WeightsFile): Promise<parquet.ParquetFile> {
  const { size } = fstatSync(descriptor);
  if (size !== bytes) throw new Error(`${size} bytes long in place of ${bytes}`);
  const chunk = new Uint8Array(2 ** 20);
  let sum = 0;
  for (let offset = 0; offset < size; ) {
    const count = readSync(descriptor, chunk, 0, chunk.length, offset);
    if (count === 0) throw new Error(`ended at byte ${offset}`);
    sum = crc32(chunk.subarray(0, count), sum);
    offset += count;
  }
  if (sum !== expected) throw new Error('wrong checksum');
  return parquet.ParquetFile.fromFile(new FileRange(descriptor, 0, size) as unknown as Blob);
}

async function readGroup(file: parquet.ParquetFile, group: number, columns?: string[]): Promise<arrow.Table> {
  const metadata = file.metadata();
  const rows = metadata.rowGroup(group).numRows();
  metadata.free();
  const table = await file.read({ rowGroups: [group], batchSize: Math.max(1, rows), ...(columns && { columns }) });
  return arrow.tableFromIPC(table.intoIPCStream());
}

/** Anything that goes wrong while a Parquet file is taken apart means that the file is not what it should be. */
async function guard<T>(path: string, work: () => T | Promise<T>): Promise<T> {
  try {
    return await work();
  } catch (error) {
    const why = (error instanceof Error ? error.message : String(error)).split('\n')[0];
    throw new CorruptFileError({
      what: `damaged Parquet file (${why})`,
      where: path,
      remedy: 'restore it from a copy, or delete the directory of its run and record the run again',
      cause: error,
    });
  }
}

function splitEpochs(table: arrow.Table, tensors: readonly TensorSpec[]): Snapshot[] {
  if (table.numRows % tensors.length !== 0) throw new Error('row group does not hold whole epochs');
  const indices = new Map(tensors.map(({ name }, i) => [name, i]));
  const sizes = tensors.map(({ shape }) => countValues(shape));
  const snapshots: Snapshot[] = [];
  for (const batch of table.batches) {
    const child = (name: string): arrow.Vector => {
      const vector = batch.getChild(name);
      if (vector === null) throw new Error(`no column ${name}`);
      return vector;
    };
    const epochs = child('epoch').data[0].values as Int32Array;
    const names = child('tensor');
    const lists = child('values').data[0] as arrow.Data<arrow.List<arrow.Float32>>;
    const offsets = lists.valueOffsets;
    const floats = lists.children[0].values as Float32Array;
    if (!(epochs instanceof Int32Array && floats instanceof Float32Array)) throw new Error('columns of other types');
    if (batch.numRows % tensors.length !== 0) throw new Error('record batch does not hold whole epochs');
    for (let first = 0; first < batch.numRows; first += tensors.length) {
      const values: Float32Array[] = new Array(tensors.length);
      for (let row = first; row < first + tensors.length; row++) {
        const index = indices.get(names.get(row));
        if (index === undefined || values[index] !== undefined || epochs[row] !== epochs[first]) {
          throw new Error(`row ${row} is not one of the tensors of epoch ${epochs[first]}`);
        }
        values[index] = floats.subarray(offsets[row], offsets[row + 1]);
        if (values[index].length !== sizes[index]) throw new Error(`wrong size of tensor ${tensors[index].name}`);
      }
      snapshots.push({ epoch: epochs[first], values, metrics: {} });
    }
  }
  return snapshots;
}
