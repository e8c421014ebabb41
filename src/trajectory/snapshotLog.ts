// The log of a run that is being recorded: snapshots.arrows, an Arrow IPC stream, one record batch an epoch, one row a
// tensor. Any Arrow reader opens it. A tail that was cut off, by a kill or a power failure, costs only the last epoch.

import { closeSync, fdatasync, fstatSync, ftruncateSync, openSync, readSync, writeSync } from 'node:fs';
import { promisify } from 'node:util';
import * as arrow from 'apache-arrow';
import { asWriteError } from '../atomic.js';
import { CorruptFileError, MissingFileError } from '../errors.js';
import { checksumOf, LogEncoder } from './logEncoder.js';
import { countValues } from './manifest.js';
import type { Snapshot, TensorSpec } from './schema.js';
import { STATISTICS_COLUMNS, takeStatistics } from './statistics.js';

const flush = promisify(fdatasync);
const CONTINUATION = 0xffffffff;

/** Appends epochs to a log. */
export class SnapshotLogWriter {
  readonly path: string;
  readonly #encoder: LogEncoder;
  /** Open for reading too, so that the log can be turned into Parquet whatever its name is by then. */
  readonly descriptor: number;
  #length = 0;
  #closed = false;
  #flushed: Promise<void> = Promise.resolve();

  /**
   * Creates the log, emptying a file of the same name.
   *
   * @param hasStatistics whether each snapshot has statistics of its tensors.
   * @throws WriteError
   */
  constructor(path: string, tensors: readonly TensorSpec[], hasStatistics = false) {
    this.path = path;
    this.#encoder = new LogEncoder(tensors, hasStatistics);
    try {
      this.descriptor = openSync(path, 'w+');
    } catch (error) {
      throw asWriteError(error, path);
    }
  }

  /**
   * Appends one epoch. It is with the operating system when the call returns, and flushed to the disk before the next
   * call resolves, so that training need not wait for the disk.
   *
   * @throws WriteError when the disk is full; the log is left as it was before the call.
   */
  async append(snapshot: Snapshot): Promise<void> {
    let end = this.#length;
    try {
      for (const bytes of this.#encoder.encode(snapshot, this.#length === 0))
        for (let offset = 0; offset < bytes.length; ) {
          const count = writeSync(this.descriptor, bytes, offset, bytes.length - offset, end);
          offset += count;
          end += count;
        }
    } catch (error) {
      ftruncateSync(this.descriptor, this.#length);
      throw asWriteError(error, this.path);
    }
    this.#length = end;
    await this.flush();
    this.#flushed = flush(this.descriptor);
    this.#flushed.catch(() => {}); // thrown by the next call of flush
  }

  /** Waits until all is on the disk. @throws WriteError */
  async flush(): Promise<void> {
    try {
      await this.#flushed;
    } catch (error) {
      throw asWriteError(error, this.path);
    }
  }

  /** Lets go of the file, once the disk does not work on it any more. */
  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#flushed.catch(() => {});
    closeSync(this.descriptor);
  }
}

/** One message of a log: where it lies and how long its parts are. */
interface LogMessage {
  offset: number;
  /** Of prefix, metadata and body together. */
  length: number;
}

/**
 * Finds the whole messages of a log without reading their bodies. The first is the schema, each further one an epoch.
 * Ends quietly where the file was cut off.
 */
function* scanMessages(descriptor: number, path: string): Generator<LogMessage> {
  const { size } = fstatSync(descriptor);
  const prefix = Buffer.alloc(8);
  for (let offset = 0; offset + 8 <= size; ) {
    readExactly(descriptor, prefix, offset);
    const metadataLength = prefix.readInt32LE(4);
    if (prefix.readUInt32LE(0) !== CONTINUATION) {
      // A power failure can leave a grown file whose last blocks are zeros.
      if (offset > 0 && prefix.readUInt32LE(0) === 0) return;
      throw damagedLog(path, `no Arrow message at byte ${offset}`);
    }
    if (metadataLength === 0) return; // the end mark of a stream that another writer closed
    if (metadataLength < 0) throw damagedLog(path, `no Arrow message at byte ${offset}`);
    if (offset + 8 + metadataLength > size) return;
    const metadata = Buffer.alloc(8 + metadataLength);
    readExactly(descriptor, metadata, offset);
    const length = 8 + metadataLength + bodyLength(metadata, path, offset);
    if (offset + length > size) return;
    yield { offset, length };
    offset += length;
  }
}

function bodyLength(metadata: Uint8Array, path: string, offset: number): number {
  try {
    const length = new arrow.MessageReader(metadata).readMessage()?.bodyLength;
    if (typeof length === 'number' && Number.isSafeInteger(length) && length >= 0) return length;
  } catch (error) {
    throw damagedLog(path, `no Arrow message at byte ${offset}`, error);
  }
  throw damagedLog(path, `no Arrow message at byte ${offset}`);
}

function readExactly(descriptor: number, into: Uint8Array, position: number): void {
  for (let done = 0; done < into.length; ) {
    const count = readSync(descriptor, into, done, into.length - done, position + done);
    if (count === 0) throw new Error(`file ended at byte ${position + done}`);
    done += count;
  }
}

function damagedLog(path: string, why: string, cause?: unknown): CorruptFileError {
  return new CorruptFileError({ what: `damaged log (${why})`, where: path, remedy: 'record the run again', cause });
}

/** Number of whole epochs in a log, without reading them. 0 where there is no log. */
export function countLogEpochs(path: string): number {
  let descriptor: number;
  try {
    descriptor = openSync(path, 'r');
  } catch {
    return 0;
  }
  try {
    return Math.max(0, [...scanMessages(descriptor, path)].length - 1);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Reads the epochs of a log in order, one in memory at a time.
 *
 * @param source path of the log, or an open descriptor with the path to name in errors; a descriptor is not closed.
 * @param tensors the tensors of the run's manifest; the log must hold the same.
 * @param isTransient whether a snapshot is used up when the next one is asked for: then all are read into the same memory.
 * @throws {@link MissingFileError}, or {@link CorruptFileError} for damage before the last epoch. The last epoch is left
 *   out when it is damaged: it was being written when the machine stopped.
 */
export function* readSnapshotLog(
  source: string | { descriptor: number; path: string },
  tensors: readonly TensorSpec[],
  isTransient = false,
): Generator<Snapshot> {
  let memory = new Uint8Array(0);
  const allocate = (bytes: number) => {
    if (!isTransient) return new Uint8Array(bytes);
    if (memory.length < bytes) memory = new Uint8Array(bytes);
    return memory.subarray(0, bytes);
  };
  const path = typeof source === 'string' ? source : source.path;
  const descriptor = typeof source === 'string' ? openForReading(source) : source.descriptor;
  try {
    let schema: Uint8Array | undefined;
    let held: LogMessage | undefined;
    for (const message of scanMessages(descriptor, path)) {
      if (schema === undefined) {
        schema = Buffer.alloc(message.length);
        readExactly(descriptor, schema, message.offset);
        continue;
      }
      if (held !== undefined) yield readEpoch(descriptor, path, schema, held, tensors, allocate);
      held = message;
    }
    if (schema === undefined || held === undefined) return;
    let last: Snapshot;
    try {
      last = readEpoch(descriptor, path, schema, held, tensors, allocate);
    } catch (error) {
      if (error instanceof CorruptFileError) return;
      throw error;
    }
    yield last;
  } finally {
    if (typeof source === 'string') closeSync(descriptor);
  }
}

function openForReading(path: string): number {
  try {
    return openSync(path, 'r');
  } catch (error) {
    throw new MissingFileError({ what: 'no log', where: path, remedy: 'record the run again', cause: error });
  }
}

function readEpoch(
  descriptor: number,
  path: string,
  schema: Uint8Array,
  { offset, length }: LogMessage,
  tensors: readonly TensorSpec[],
  allocate: (bytes: number) => Uint8Array,
): Snapshot {
  const stream = allocate(schema.length + length);
  stream.set(schema);
  readExactly(descriptor, stream.subarray(schema.length), offset);
  let snapshot: Snapshot;
  try {
    const [batch] = arrow.RecordBatchReader.from(stream).readAll();
    if (batch === undefined || batch.numRows !== tensors.length) throw new Error('wrong number of tensors');
    const column = (name: string) => batch.getChild(name)?.data[0] as arrow.Data;
    const names = batch.getChild('tensor') as arrow.Vector<arrow.Utf8>;
    const offsets = column('values').valueOffsets as Int32Array;
    const floats = column('values').children[0].values as Float32Array;
    const sums = column('crc32').values as Uint32Array;
    const values = tensors.map((tensor, row) => {
      if (names.get(row) !== tensor.name) throw new Error(`tensor ${names.get(row)} in place of ${tensor.name}`);
      const part = floats.subarray(offsets[row], offsets[row + 1]);
      if (part.length !== countValues(tensor.shape)) throw new Error(`wrong size of ${tensor.name}`);
      if (checksumOf(part) !== sums[row]) throw new Error(`wrong checksum of ${tensor.name}`);
      return part;
    });
    const hasStatistics = batch.getChild(STATISTICS_COLUMNS[0]) !== null;
    const statistics = STATISTICS_COLUMNS.map((name) => (hasStatistics ? column(name).values : []) as Float32Array);
    const metrics = JSON.parse(batch.getChild('metrics')?.get(0)) as Record<string, number | null>;
    snapshot = {
      epoch: (column('epoch').values as Int32Array)[0],
      values,
      ...(hasStatistics && { statistics: takeStatistics(statistics, tensors.length) }),
      metrics: Object.fromEntries(Object.entries(metrics).map(([name, value]) => [name, value ?? Number.NaN])),
    };
  } catch (error) {
    throw damagedLog(path, `epoch at byte ${offset}: ${(error as Error).message}`, error);
  }
  return snapshot;
}
