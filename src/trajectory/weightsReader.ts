// Reads weights-00000.parquet ...: the snapshots of a finished run. It streams: no more than about one row group is in
// memory. The writer is weightsWriter.ts; readers of a few values use scalarReader.ts.

import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import * as arrow from 'apache-arrow';
import * as parquet from 'parquet-wasm';
import { CorruptFileError } from '../errors.js';
import { countValues } from './manifest.js';
import type { Snapshot, TensorSpec, WeightsFile } from './schema.js';

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
