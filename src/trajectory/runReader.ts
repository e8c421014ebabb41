// Reads a trajectory store: which runs it has, and the snapshots of one, streaming. Finished runs are read from Parquet,
// unfinished ones from their log, so that what a killed process recorded is there too.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptFileError, MissingFileError, UsageError } from '../errors.js';
import { countValues, MANIFEST_FILE, RUN_PREFIX, readManifestFile, WEIGHTS_FILE_PATTERN } from './manifest.js';
import { type EpochMetrics, readMetricsParquet } from './metricsParquet.js';
import type { RunManifest, RunStatus, Snapshot } from './schema.js';
import { countLogEpochs, readSnapshotLog } from './snapshotLog.js';
import { readWeightsFile, type ScalarChoice, type ScalarSnapshot } from './weightsReader.js';

export type { EpochMetrics, ScalarChoice, ScalarSnapshot };

/** Name of the log in a run's directory, there while the run is recorded. */
export const LOG_FILE = 'snapshots.arrows';
/** Name of the table of figures in a finished run's directory. */
export const METRICS_FILE = 'metrics.parquet';

/** A run of a store. */
export interface RunEntry {
  /** Path of the run's directory. */
  directory: string;
  manifest: RunManifest;
}

/** Whether a run has ended for good, so that the same plan does not do it again. */
export function isFinished(status: RunStatus): boolean {
  return status === 'complete' || status === 'diverged';
}

/** The log to read in place of Parquet, if any: that of a run which did not end, or whose end was cut off. */
function activeLog(directory: string, status: RunStatus): string | undefined {
  const path = join(directory, LOG_FILE);
  return !isFinished(status) && existsSync(path) ? path : undefined;
}

/**
 * All runs of a store, ordered by id. Directories of runs that never got to their first file are left out.
 *
 * @throws {@link MissingFileError} when the store is not there; the errors of {@link readManifest}.
 */
export function listRuns(storeDirectory: string): RunEntry[] {
  let names: string[];
  try {
    names = readdirSync(storeDirectory);
  } catch (error) {
    throw new MissingFileError({
      what: 'no trajectory store',
      where: storeDirectory,
      remedy: 'check the path, or record runs with `wnn collect`',
      cause: error,
    });
  }
  return names
    .filter((name) => name.startsWith(RUN_PREFIX))
    .sort()
    .map((name) => join(storeDirectory, name))
    .filter((directory) => statSync(directory).isDirectory() && hasBegun(directory))
    .map((directory) => ({ directory, manifest: readManifest(directory) }));
}

/** Whether a run has got to its first file; one that has values but no manifest is damaged, which its reader says. */
function hasBegun(directory: string): boolean {
  return readdirSync(directory).some((name) => name === MANIFEST_FILE || WEIGHTS_FILE_PATTERN.test(name));
}

/**
 * The manifest of a run. For a run that has not ended `snapshotsRecorded` is what is readable now.
 *
 * @throws {@link MissingFileError}, {@link CorruptFileError} or SchemaVersionError, naming the file.
 */
export function readManifest(runDirectory: string): RunManifest {
  const manifest = readManifestFile(runDirectory);
  const log = activeLog(runDirectory, manifest.status);
  return log === undefined ? manifest : { ...manifest, snapshotsRecorded: countLogEpochs(log) };
}

/** What to read of a run. */
export interface SnapshotSelection {
  /** Leave out snapshots before this one. Default: none. */
  firstEpoch?: number;
  /** Names of the tensors to give, in any order; others are left out. Default: all. */
  tensors?: readonly string[];
}

/**
 * The snapshots of a run in order, from Parquet or from the log of a run that has not ended; a cut-off tail of the log is
 * left out. At most a row group (8 MiB of values, or one snapshot where that is more) is in memory. The arrays of a
 * snapshot are views of a buffer that the snapshots of a row group share; whoever keeps a few of them should copy.
 *
 * Snapshots from Parquet carry no metrics: {@link readMetrics} has them.
 *
 * @param selection with `tensors`, `values` holds only those, in the order of the manifest.
 * @throws {@link CorruptFileError} for a truncated or damaged file, or one that holds other tensors or fewer snapshots
 *   than the manifest says; {@link UsageError} for a tensor that the run does not have.
 */
export async function* readSnapshots(
  runDirectory: string,
  { firstEpoch, tensors: names }: SnapshotSelection = {},
): AsyncGenerator<Snapshot> {
  const { tensors, status } = readManifestFile(runDirectory);
  const unknown = names?.find((name) => !tensors.some((tensor) => tensor.name === name));
  if (unknown !== undefined) {
    throw new UsageError({
      what: `no tensor ${unknown}`,
      where: runDirectory,
      remedy: `choose from ${tensors.map(({ name }) => name).join(', ')}`,
    });
  }
  const isWanted = tensors.map(({ name }) => names === undefined || names.includes(name));
  const log = activeLog(runDirectory, status);
  if (log !== undefined) {
    for (const { epoch, values, metrics } of readSnapshotLog(log, tensors))
      if (epoch >= (firstEpoch ?? 0)) yield { epoch, values: values.filter((_, i) => isWanted[i]), metrics };
    return;
  }
  const wanted = tensors.filter((_, i) => isWanted[i]);
  const choices = wanted.map(({ name }) => ({ tensor: name, indices: null }));
  for await (const { epoch, values } of readScalars(runDirectory, choices, { firstEpoch })) {
    let end = 0;
    const arrays = wanted.map(({ shape }) => {
      const start = end;
      end += countValues(shape);
      return values.subarray(start, end);
    });
    yield { epoch, values: arrays, metrics: {} };
  }
}

/**
 * Chosen scalars of a run, snapshot by snapshot: for work that looks at a few of very many.
 *
 * @param firstEpoch snapshots before this one are left out. Default: none.
 * @throws the errors of {@link readSnapshots}.
 */
export async function* readScalars(
  runDirectory: string,
  choices: readonly ScalarChoice[],
  { firstEpoch = 0 }: { firstEpoch?: number } = {},
): AsyncGenerator<ScalarSnapshot> {
  const { tensors, status, files, snapshotsRecorded } = readManifestFile(runDirectory);
  const log = activeLog(runDirectory, status);
  if (log !== undefined) {
    const rows = choices.map(({ tensor }) => tensors.findIndex(({ name }) => name === tensor));
    for (const { epoch, values } of readSnapshotLog(log, tensors))
      if (epoch >= firstEpoch)
        yield { epoch, values: concatenate(choices.map(({ indices }, i) => pick(values[rows[i]], indices))) };
    return;
  }
  let snapshots = 0;
  for (const file of files) {
    const most = snapshotsRecorded - snapshots;
    snapshots += yield* readWeightsFile(runDirectory, file, tensors, choices, firstEpoch, most);
  }
  if (snapshots !== snapshotsRecorded) {
    throw new CorruptFileError({
      what: `run holds ${snapshots} snapshots, its manifest says ${snapshotsRecorded}`,
      where: runDirectory,
      remedy: 'restore its weights-*.parquet from a copy, or delete the directory and record the run again',
    });
  }
}

function pick(values: Float32Array, indices: Uint32Array | null): Float32Array {
  return indices === null ? values : Float32Array.from(indices, (i) => values[i]);
}

function concatenate(arrays: readonly Float32Array[]): Float32Array {
  const all = new Float32Array(arrays.reduce((sum, { length }) => sum + length, 0));
  let end = 0;
  for (const array of arrays) {
    all.set(array, end);
    end += array.length;
  }
  return all;
}

/**
 * The figures of each epoch, in order.
 *
 * @throws {@link CorruptFileError} when the table is missing or damaged.
 */
export async function readMetrics(runDirectory: string): Promise<EpochMetrics[]> {
  const { status, tensors, metrics } = readManifestFile(runDirectory);
  const log = activeLog(runDirectory, status);
  if (log !== undefined) {
    const rows: EpochMetrics[] = [];
    for (const { epoch, metrics } of readSnapshotLog(log, tensors)) rows.push({ epoch, metrics });
    return rows;
  }
  return metrics === null ? [] : readMetricsParquet(join(runDirectory, METRICS_FILE), metrics);
}
