// Writing one shard: record batches appended to an Arrow IPC file as they come, so that many shards can grow at once
// without an open file or a buffer each. Which samples go where, and when, is the dataset stage's business.

import { closeSync, mkdirSync, openSync, writeSync } from 'node:fs';
import { dirname } from 'node:path';
import { crc32 } from 'node:zlib';
import {
  type Data,
  Dictionary,
  Field,
  FixedSizeList,
  Float32,
  Int32,
  makeData,
  RecordBatch,
  RecordBatchFileWriter,
  Schema,
  Struct,
  Utf8,
  type Vector,
  vectorFromArray,
} from 'apache-arrow';
import type { InputColumns } from '../network/network.js';
import type { Random } from '../random.js';

/** Columns of a record batch; longer arrays than `count` needs are allowed. See `Samples` for their meaning. */
export interface SampleColumns {
  windows: Float32Array;
  /** The further inputs, in the order of the shape's. Default: none. */
  inputs?: readonly Float32Array[];
  targets: Float32Array;
  scales: Float32Array;
  runs: Int32Array;
}

/** What samples consist of. */
export interface SampleShape {
  /** L, the length of a window. */
  inputLength: number;
  /** Inputs besides the window. Default: none. */
  inputs?: readonly InputColumns[];
  /** Number of horizons. */
  horizons: number;
}

/** Arrow's file writer with its bytes going to a file at once, and with the footer's blocks in an order of our choice. */
class FileAppender extends RecordBatchFileWriter {
  readonly #path: string;
  /** Chunks of the batch at hand; they are views of the caller's arrays, so they must be gone when `write` returns. */
  #chunks: Uint8Array[] = [];
  /** CRC-32 of all bytes so far. */
  checksum = 0;

  constructor(path: string) {
    super({ autoDestroy: false });
    this.#path = path;
  }

  protected override _write(chunk: ArrayBufferView): this {
    if (this._started && chunk.byteLength > 0) {
      this.#chunks.push(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.byteLength));
      this._position += chunk.byteLength;
    }
    return this;
  }

  flush(): void {
    if (this.#chunks.length === 0) return;
    const descriptor = openSync(this.#path, 'a');
    try {
      for (const chunk of this.#chunks) {
        for (let offset = 0; offset < chunk.length; ) offset += writeSync(descriptor, chunk, offset);
        this.checksum = crc32(chunk, this.checksum);
      }
    } finally {
      closeSync(descriptor);
      this.#chunks = [];
    }
  }

  /** Ends the file and returns its length. */
  end(random: Random | null): number {
    random?.shuffle(this._recordBatchBlocks);
    const schema = this._schema;
    if (schema) this._writeFooter(schema);
    this.flush();
    return this._position;
  }
}

/** Writes one shard file. Errors of the file system come out as they are; give them to `asWriteError`. */
export class ShardWriter {
  readonly #file: FileAppender;
  readonly #schema: Schema;
  readonly #dictionary: Vector<Utf8>;
  readonly #horizons: number;
  #rows = 0;

  /**
   * Starts a file; one that is already there is replaced. Missing directories are made.
   *
   * @param shape what its samples consist of.
   * @param runIds names that the `runs` column points into.
   */
  constructor(path: string, shape: SampleShape, runIds: readonly string[]) {
    mkdirSync(dirname(path), { recursive: true });
    closeSync(openSync(path, 'w'));
    this.#file = new FileAppender(path);
    this.#horizons = shape.horizons;
    this.#dictionary = vectorFromArray([...runIds], new Utf8());
    const float = new Float32();
    const listOf = (size: number) => new FixedSizeList(size, new Field('item', float, false));
    this.#schema = new Schema([
      new Field('window', listOf(shape.inputLength), false),
      ...(shape.inputs ?? []).map(({ name, width }) => new Field(name, listOf(width), false)),
      new Field('target', shape.horizons === 1 ? float : listOf(shape.horizons), false),
      new Field('scale', float, false),
      new Field('run', new Dictionary(new Utf8(), new Int32(), 0), false),
    ]);
  }

  get rows(): number {
    return this.#rows;
  }

  /** CRC-32 of the bytes written so far; that of the file once it is closed. */
  get crc32(): number {
    return this.#file.checksum;
  }

  /** Appends the first `count` rows of the columns as one record batch. */
  write(columns: SampleColumns, count: number): void {
    const types = this.#schema.fields.map((field) => field.type);
    const [window, ...rest] = types;
    const [target, , run] = types.slice(-3);
    const float = new Float32();
    const floats = (values: Float32Array, length: number) =>
      makeData({ type: float, length, nullCount: 0, data: values.subarray(0, length) });
    const listed = (type: FixedSizeList<Float32>, values: Float32Array) =>
      makeData({ type, length: count, nullCount: 0, child: floats(values, count * type.listSize) });
    const children: Data[] = [
      listed(window as FixedSizeList<Float32>, columns.windows),
      ...(columns.inputs ?? []).map((values, i) => listed(rest[i] as FixedSizeList<Float32>, values)),
      this.#horizons === 1 ? floats(columns.targets, count) : listed(target as FixedSizeList<Float32>, columns.targets),
      floats(columns.scales, count),
      makeData({
        type: run as Dictionary<Utf8, Int32>,
        length: count,
        nullCount: 0,
        data: columns.runs.subarray(0, count),
        dictionary: this.#dictionary,
      }),
    ];
    const struct = makeData({ type: new Struct(this.#schema.fields), length: count, nullCount: 0, children });
    this.#file.write(new RecordBatch(this.#schema, struct));
    this.#file.flush();
    this.#rows += count;
  }

  /**
   * Writes the footer.
   *
   * @param random shuffles the order in which readers of the file see the batches; null keeps that of writing.
   * @returns the file's length in bytes.
   */
  close(random: Random | null): number {
    return this.#file.end(random);
  }
}
