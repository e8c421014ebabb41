// Reading shards as whole typed-array columns: one file (readShard), or all of a kind and split (openSamples). Columns
// of a shard with one record batch are views into the file's bytes, not copies.

import { statSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { DataType, type RecordBatch, tableFromIPC } from 'apache-arrow';
import { CorruptFileError, MismatchError, MissingFileError } from '../errors.js';
import type { InputColumns } from '../network/network.js';
import type { TrainedKind } from '../nowcaster/spec.js';
import { inputColumns } from '../windows/inputs/index.js';
import { ArrowProblem, checkArrowFile } from './arrowCheck.js';
import { readDatasetManifest, summaryOf } from './manifest.js';
import type { DatasetManifest, Samples, Split } from './schema.js';

const REBUILD = 'build the samples again with wnn dataset';

/**
 * What a shard must be, as far as the caller knows; each field is checked when given. The entry of dataset.json holds
 * the last three.
 */
export interface ShardExpectation {
  /** L. */
  inputLength?: number;
  /** Number of horizons. */
  horizons?: number;
  /** Inputs to read besides the window; one named `window` is passed over. Default: none. */
  inputs?: readonly InputColumns[];
  /** Samples that dataset.json says it holds. */
  rows?: number;
  /** Length that dataset.json says the file has. */
  bytes?: number;
  /** CRC-32 that dataset.json says the file has. */
  crc32?: number;
}

/**
 * Reads one shard.
 *
 * @throws {@link MissingFileError} when it is not there.
 * @throws {@link CorruptFileError} when it is truncated, not a shard, or holds a value that is not finite.
 * @throws {@link MismatchError} when its L or number of horizons is another than expected.
 */
export async function readShard(path: string, expected: ShardExpectation = {}): Promise<Samples> {
  let bytes: Uint8Array;
  try {
    bytes = await readFile(path);
  } catch (cause) {
    throw new MissingFileError({ what: 'shard missing or unreadable', where: path, remedy: REBUILD, cause });
  }
  const corrupt = (what: string, cause?: unknown) =>
    new CorruptFileError({ what, where: path, remedy: REBUILD, cause });
  if (expected.bytes !== undefined && bytes.length !== expected.bytes)
    throw corrupt(`shard has ${bytes.length} bytes, dataset.json says ${expected.bytes}`);
  if (expected.crc32 !== undefined && crc32(bytes) !== expected.crc32)
    throw corrupt('shard is damaged (its checksum is not that of dataset.json)');
  if (!endsAsArrowFile(bytes)) throw corrupt('not a whole Arrow file (truncated?)');
  let samples: Samples | string;
  try {
    checkArrowFile(bytes);
    const further = (expected.inputs ?? []).filter(({ name }) => name !== 'window');
    samples = samplesOfBatches(tableFromIPC(bytes).batches, further);
  } catch (cause) {
    throw corrupt(
      cause instanceof ArrowProblem ? `damaged Arrow file (${cause.message})` : 'damaged Arrow file',
      cause,
    );
  }
  if (typeof samples === 'string') throw corrupt(samples);
  for (const field of ['inputLength', 'horizons'] as const)
    if (samples.count > 0 && expected[field] !== undefined && samples[field] !== expected[field])
      throw new MismatchError({
        what: `shard has ${field} ${samples[field]}, expected ${expected[field]}`,
        where: path,
        remedy: REBUILD,
      });
  if (expected.rows !== undefined && samples.count !== expected.rows)
    throw corrupt(`shard has ${samples.count} samples, dataset.json says ${expected.rows}`);
  for (const column of ['windows', 'targets', 'scales'] as const)
    if (!allFinite(samples[column])) throw corrupt(`a value that is not finite among the ${column}`);
  return samples;
}

/**
 * Finds a shard that is not there or of another size, without reading it: before hours of training on others.
 *
 * @throws {@link MissingFileError}, {@link CorruptFileError}
 */
export function checkShardSize(path: string, bytes: number): void {
  const status = statSync(path, { throwIfNoEntry: false });
  if (status === undefined)
    throw new MissingFileError({ what: 'shard missing or unreadable', where: path, remedy: REBUILD });
  if (status.size !== bytes)
    throw new CorruptFileError({
      what: `shard has ${status.size} bytes, dataset.json says ${bytes}`,
      where: path,
      remedy: REBUILD,
    });
}

/** Arrow's IPC file format ends with the magic that it begins with. */
function endsAsArrowFile(bytes: Uint8Array): boolean {
  const magic = 'ARROW1';
  const text = (from: number) => Buffer.from(bytes.buffer, bytes.byteOffset + from, magic.length).toString('latin1');
  return bytes.length > 2 * magic.length && text(0) === magic && text(bytes.length - magic.length) === magic;
}

function allFinite(values: Float32Array): boolean {
  // x - x is 0 for finite x and NaN otherwise, and NaN survives the sum: no branch a value.
  let sum = 0;
  for (let i = 0; i < values.length; i++) sum += values[i] - values[i];
  return sum === 0;
}

/** The columns of a shard, or what is wrong with them. */
function samplesOfBatches(batches: readonly RecordBatch[], further: readonly InputColumns[]): Samples | string {
  const parts: Samples[] = [];
  for (const batch of batches) {
    if (batch.numRows === 0) continue;
    const part = samplesOfBatch(batch, further);
    if (typeof part === 'string') return part;
    parts.push(part);
  }
  return joinSamples(parts);
}

function samplesOfBatch(batch: RecordBatch, further: readonly InputColumns[]): Samples | string {
  const rows = batch.numRows;
  const column = (name: string) => batch.getChild(name)?.data[0];
  const window = column('window');
  const target = column('target');
  const scale = column('scale');
  const run = column('run');
  if (!window || !target || !scale || !run) return 'a column is missing (needs window, target, scale, run)';
  const floats = (values: unknown, length: number) => values instanceof Float32Array && values.length >= length;
  if (!DataType.isFixedSizeList(window.type)) return 'column window is not a fixed_size_list';
  const inputLength = window.type.listSize;
  if (!floats(window.children[0]?.values, rows * inputLength)) return 'column window is not whole float32';
  const inputs: Record<string, Float32Array> = {};
  for (const { name, width } of further) {
    const input = column(name);
    if (!input || !DataType.isFixedSizeList(input.type) || input.type.listSize !== width || input.nullCount > 0)
      return `column ${name} is not a fixed_size_list of ${width}`;
    if (!floats(input.children[0]?.values, rows * width)) return `column ${name} is not whole float32`;
    inputs[name] = (input.children[0].values as Float32Array).subarray(0, rows * width);
  }
  const listed = DataType.isFixedSizeList(target.type);
  const horizons = listed ? (target.type as { listSize: number }).listSize : 1;
  const targets = listed ? target.children[0]?.values : target.values;
  if (!floats(targets, rows * horizons)) return 'column target is not whole float32';
  if (!floats(scale.values, rows)) return 'column scale is not whole float32';
  if (!DataType.isDictionary(run.type) || !(run.values instanceof Int32Array) || run.values.length < rows)
    return 'column run is not a dictionary of int32 indices';
  const runIds = Array.from(run.dictionary?.toArray() ?? [], String);
  for (let i = 0; i < rows; i++) if (run.values[i] >>> 0 >= runIds.length) return 'column run points past its names';
  if (window.nullCount + target.nullCount + scale.nullCount + run.nullCount > 0) return 'a value is null';
  return {
    count: rows,
    inputLength,
    horizons,
    windows: (window.children[0].values as Float32Array).subarray(0, rows * inputLength),
    inputs,
    targets: (targets as Float32Array).subarray(0, rows * horizons),
    scales: (scale.values as Float32Array).subarray(0, rows),
    runs: run.values.subarray(0, rows),
    runIds,
  };
}

/** One block of samples from several of the same shape and run names. Without parts: no samples, L = H = 0. */
function joinSamples(parts: readonly Samples[]): Samples {
  if (parts.length === 1) return parts[0];
  const { inputLength, horizons, runIds, inputs } = parts[0] ?? { inputLength: 0, horizons: 0, runIds: [], inputs: {} };
  const joined = <T extends Float32Array | Int32Array>(columns: readonly T[]): T => {
    const length = columns.reduce((sum, column) => sum + column.length, 0);
    const Column = (columns[0]?.constructor ?? Float32Array) as new (length: number) => T;
    const all = new Column(length);
    let at = 0;
    for (const column of columns) {
      all.set(column, at);
      at += column.length;
    }
    return all;
  };
  return {
    count: parts.reduce((sum, part) => sum + part.count, 0),
    inputLength,
    horizons,
    windows: joined(parts.map(({ windows }) => windows)),
    inputs: Object.fromEntries(
      Object.keys(inputs).map((name) => [name, joined(parts.map((part) => part.inputs[name]))]),
    ),
    targets: joined(parts.map(({ targets }) => targets)),
    scales: joined(parts.map(({ scales }) => scales)),
    runs: joined(parts.map(({ runs }) => runs)),
    runIds,
  };
}

/**
 * Reads all samples of a kind and split into memory. Where they may not fit, go through the shards of
 * dataset.json with {@link readShard} instead; dataset.json tells the rows of each shard beforehand.
 *
 * @returns whole columns; `count` is 0 when the kind has no samples.
 * @throws whatever {@link readDatasetManifest} and {@link readShard} throw.
 */
export async function openSamples(
  dir: string,
  kind: TrainedKind,
  split: Split,
  manifest: DatasetManifest = readDatasetManifest(dir),
): Promise<Samples> {
  const { inputLength, normalization } = manifest;
  const horizons = manifest.horizons.length;
  const inputs = inputColumns(manifest.inputs, { inputLength, horizons: manifest.horizons, normalization });
  const parts: Samples[] = [];
  for (const { file, ...size } of summaryOf(manifest, kind, dir).splits[split].shards)
    parts.push(await readShard(join(dir, file), { inputLength, horizons, inputs, ...size }));
  const all = joinSamples(parts);
  return { ...all, inputLength, horizons };
}
