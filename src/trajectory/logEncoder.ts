// One epoch of the log as an Arrow message. All epochs of a run have the same layout, so one message is made and its
// numbers are overwritten, epoch after epoch. Writes nothing; snapshotLog.ts does.

import { crc32 } from 'node:zlib';
import * as arrow from 'apache-arrow';
import { floatListColumn, intListColumn, makeBatch } from './arrowColumns.js';
import { countValues } from './manifest.js';
import type { Snapshot, TensorSpec } from './schema.js';
import { fillStatistics, statisticsColumns, viewStatistics } from './statistics.js';

/** Behind the last message of a stream stands a mark of its end. */
const END_BYTES = 8;
/** Room for metrics beyond those of the first epoch. */
const SPARE_TEXT = 64;

/** CRC-32 of the bytes of a tensor's values. */
export function checksumOf(values: Float32Array): number {
  return crc32(new Uint8Array(values.buffer, values.byteOffset, values.byteLength));
}

/** A message that is filled anew for each epoch: an Arrow stream, and views of the numbers in it. */
interface Template {
  schema: Uint8Array;
  batch: Uint8Array;
  epochs: Int32Array;
  /** Of each tensor. */
  values: Float32Array[];
  checksums: Uint32Array;
  /** The columns of {@link statisticsColumns}, a value a tensor each; none where the run has none. */
  statistics: Float32Array[];
  /** JSON, filled up with spaces. */
  metrics: Uint8Array;
}

/** Encodes the epochs of one run. */
export class LogEncoder {
  readonly #tensors: readonly TensorSpec[];
  readonly #hasStatistics: boolean;
  #template: Template | undefined;

  constructor(tensors: readonly TensorSpec[], hasStatistics: boolean) {
    this.#tensors = tensors;
    this.#hasStatistics = hasStatistics;
  }

  /**
   * One epoch, in memory that the next call overwrites.
   *
   * @param withSchema whether the stream's schema comes first, as in front of its first epoch.
   */
  encode({ epoch, values, statistics = [], metrics }: Snapshot, withSchema: boolean): Uint8Array[] {
    const text = Buffer.from(
      JSON.stringify(metrics, (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? null : value)),
    );
    let template = this.#template;
    if (template === undefined || template.metrics.length < text.length) {
      template = makeTemplate(this.#tensors, this.#hasStatistics, text.length + SPARE_TEXT);
      this.#template = template;
    }
    template.epochs.fill(epoch);
    fillStatistics(template.statistics, statistics);
    template.metrics.fill(0x20);
    template.metrics.set(text);
    for (let i = 0; i < values.length; i++) {
      template.values[i].set(values[i]);
      template.checksums[i] = checksumOf(values[i]);
    }
    return withSchema ? [template.schema, template.batch] : [template.batch];
  }
}

/** The columns of one epoch, one row a tensor. `metrics` is in the first row alone. */
function makeTemplate(tensors: readonly TensorSpec[], hasStatistics: boolean, textBytes: number): Template {
  const rows = tensors.length;
  const sizes = tensors.map(({ shape }) => countValues(shape));
  const batch = makeBatch(rows, {
    epoch: arrow.makeData({ type: new arrow.Int32(), data: new Int32Array(rows) }),
    tensor: utf8Column(tensors.map(({ name }) => name)),
    kind: utf8Column(tensors.map(({ kind }) => kind)),
    shape: intListColumn(tensors.map(({ shape }) => shape)),
    values: floatListColumn(sizes.map((size) => new Float32Array(size))),
    crc32: arrow.makeData({ type: new arrow.Uint32(), data: new Uint32Array(rows) }),
    ...(hasStatistics && statisticsColumns(rows)),
    metrics: utf8Column(tensors.map((_, row) => (row === 0 ? ' '.repeat(textBytes) : ''))),
  });
  const stream = arrow.RecordBatchStreamWriter.writeAll([batch]).toUint8Array(true);
  const schemaBytes = 8 + new DataView(stream.buffer, stream.byteOffset).getInt32(4, true);
  // Read back from memory, the columns are views of the stream.
  const [view] = arrow.RecordBatchReader.from(stream).readAll();
  const column = (name: string) => view.getChild(name)?.data[0] as arrow.Data;
  const floats = column('values').children[0].values as Float32Array;
  const offsets = column('values').valueOffsets as Int32Array;
  const template: Template = {
    schema: stream.subarray(0, schemaBytes),
    batch: stream.subarray(schemaBytes, stream.length - END_BYTES),
    epochs: column('epoch').values as Int32Array,
    values: sizes.map((_, row) => floats.subarray(offsets[row], offsets[row + 1])),
    checksums: column('crc32').values as Uint32Array,
    statistics: hasStatistics ? viewStatistics(column, rows) : [],
    metrics: (column('metrics').values as Uint8Array).subarray(0, textBytes),
  };
  const views = [template.epochs, floats, template.checksums, ...template.statistics, template.metrics];
  if (views.some(({ buffer, length }) => length > 0 && buffer !== stream.buffer))
    throw new Error('copies in place of views');
  return template;
}

function utf8Column(texts: string[]): arrow.Data<arrow.Utf8> {
  const bytes = texts.map((text) => Buffer.from(text));
  const valueOffsets = new Int32Array(texts.length + 1);
  bytes.forEach((part, i) => {
    valueOffsets[i + 1] = valueOffsets[i] + part.length;
  });
  return arrow.makeData({ type: new arrow.Utf8(), length: texts.length, valueOffsets, data: Buffer.concat(bytes) });
}
