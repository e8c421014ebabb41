// metrics.parquet: one row an epoch with its loss, accuracy and so on. Small: nothing in it is compressed.

import { readFileSync } from 'node:fs';
import parquet from 'parquetjs-lite';
import { writeFileAtomic } from '../atomic.js';
import { CorruptFileError } from '../errors.js';
import {
  type Chunk,
  Codec,
  CREATED_BY,
  describeGroup,
  Encoding,
  encodeFooter,
  frameLevels,
  MAGIC,
  makeDataPage,
  PhysicalType,
  packBits,
  type SchemaNode,
} from './parquetEncode.js';

/** Figures of one epoch. A figure that was not finite, or is missing in this epoch only, is NaN. */
export interface EpochMetrics {
  epoch: number;
  metrics: Record<string, number>;
}

/**
 * Writes `metrics.parquet` whole: `epoch` int32 and one nullable double for each figure that any epoch has. A figure that
 * is not finite is null. A figure called `epoch` is left out.
 *
 * @throws WriteError
 */
export function writeMetricsParquet(path: string, rows: readonly EpochMetrics[]): void {
  const names = [...new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)))].filter((name) => name !== 'epoch');
  const epochs = Int32Array.from(rows, ({ epoch }) => epoch);
  const chunks = [
    plainChunk('epoch', PhysicalType.int32, rows.length, [bytesOf(epochs)]),
    ...names.map((name) => {
      const figures = rows.map(({ metrics }) => metrics[name]);
      const levels = packBits(
        figures.map((figure) => (Number.isFinite(figure) ? 1 : 0)),
        1,
      ); // whether it is there
      const there = Float64Array.from(figures.filter((figure) => Number.isFinite(figure)));
      return plainChunk(name, PhysicalType.double, rows.length, [frameLevels(levels), bytesOf(there)]);
    }),
  ];
  const schema: SchemaNode = {
    name: 'root',
    children: [
      { name: 'epoch', type: PhysicalType.int32 },
      ...names.map((name): SchemaNode => ({ name, type: PhysicalType.double, repetition: 'optional' })),
    ],
  };
  const groups = rows.length > 0 ? [describeGroup(chunks, rows.length, 0, MAGIC.length).group] : [];
  const pages = rows.length > 0 ? chunks.flatMap((chunk) => chunk.pages.flatMap(({ bytes }) => bytes)) : [];
  const footer = encodeFooter(schema, groups, rows.length, CREATED_BY);
  writeFileAtomic(path, Buffer.concat([MAGIC, ...pages, footer]));
}

function plainChunk(name: string, type: number, values: number, sections: readonly Uint8Array[]): Chunk {
  const pages = [makeDataPage(values, Encoding.plain, sections, Buffer.concat)];
  return { path: [name], type, codec: Codec.none, pages, hasLevels: sections.length > 1 };
}

function bytesOf(values: ArrayBufferView): Uint8Array {
  return new Uint8Array(values.buffer, values.byteOffset, values.byteLength);
}

/**
 * Reads `metrics.parquet`.
 *
 * @throws {@link CorruptFileError} when it is missing, truncated or damaged.
 */
export async function readMetricsParquet(path: string): Promise<EpochMetrics[]> {
  try {
    const reader = await parquet.ParquetReader.openBuffer(readFileSync(path));
    const cursor = reader.getCursor();
    const names = reader.schema.fieldList.map(({ name }) => name).filter((name) => name !== 'epoch');
    const rows: EpochMetrics[] = [];
    for (let row = await cursor.next(); row !== null; row = await cursor.next()) {
      if (typeof row.epoch !== 'number') throw new Error('no column epoch');
      rows.push({ epoch: row.epoch, metrics: {} });
      for (const name of names) rows[rows.length - 1].metrics[name] = row[name] ?? Number.NaN;
    }
    await reader.close();
    return rows;
  } catch (error) {
    throw new CorruptFileError({
      what: `damaged Parquet file (${error instanceof Error ? error.message : String(error)})`,
      where: path,
      remedy: 'restore it from a copy, or delete the directory of its run and record the run again',
      cause: error,
    });
  }
}
