// metrics.parquet: one row an epoch with its loss, accuracy and so on. Small, so a row-at-a-time writer suits it.

import { closeSync, readFileSync } from 'node:fs';
import { PassThrough } from 'node:stream';
import { crc32 } from 'node:zlib';
import parquet, { type FieldDefinition } from 'parquetjs-lite';
import { writeFileAtomic } from '../atomic.js';
import { damagedParquet, openChecked } from './checkedFile.js';
import type { FileChecksum } from './schema.js';

/** Metrics of one epoch. A metric that was not finite, or is missing in this epoch only, is NaN. */
export interface EpochMetrics {
  epoch: number;
  metrics: Record<string, number>;
}

/**
 * Writes `metrics.parquet` whole: `epoch` int32 and one nullable double for each metric that any epoch has. A metric that
 * is not finite is null. A metric called `epoch` is left out.
 *
 * @returns what tells whether the file is whole.
 * @throws WriteError
 */
export async function writeMetricsParquet(path: string, rows: readonly EpochMetrics[]): Promise<FileChecksum> {
  const names = [...new Set(rows.flatMap(({ metrics }) => Object.keys(metrics)))].filter((name) => name !== 'epoch');
  const fields: Record<string, FieldDefinition> = { epoch: { type: 'INT32' } };
  for (const name of names) fields[name] = { type: 'DOUBLE', optional: true };
  const stream = new PassThrough();
  const chunks: Buffer[] = [];
  stream.on('data', (chunk: Buffer) => chunks.push(chunk));
  const ended = new Promise((resolve) => stream.on('end', resolve));
  const writer = await parquet.ParquetWriter.openStream(new parquet.ParquetSchema(fields), stream);
  for (const { epoch, metrics } of rows) {
    const row: Record<string, number | undefined> = { epoch };
    for (const name of names) row[name] = Number.isFinite(metrics[name]) ? metrics[name] : undefined;
    await writer.appendRow(row);
  }
  await writer.close();
  await ended;
  const bytes = Buffer.concat(chunks);
  writeFileAtomic(path, bytes);
  return { bytes: bytes.length, crc32: crc32(bytes) };
}

/**
 * Reads `metrics.parquet`.
 *
 * @param written what run.json says of the file.
 * @throws CorruptFileError when it is missing, truncated or damaged.
 */
export async function readMetricsParquet(path: string, written: FileChecksum): Promise<EpochMetrics[]> {
  try {
    const reader = await parquet.ParquetReader.openBuffer(readChecked(path, written));
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
    throw damagedParquet(path, error);
  }
}

function readChecked(path: string, written: FileChecksum): Buffer {
  const descriptor = openChecked(path, written);
  try {
    return readFileSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}
