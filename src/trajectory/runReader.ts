// Reads a trajectory store: which runs it has, and the snapshots of one, streaming. Finished runs are read from Parquet,
// unfinished ones from their log, so that what a killed process recorded is there too.

import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptFileError, MissingFileError, UsageError } from '../errors.js';
import { parseTemporaryName } from '../files/temporary.js';
import {
  activeLog,
  countValues,
  MANIFEST_FILE,
  RUN_PREFIX,
  readManifestFile,
  WEIGHTS_FILE_PATTERN,
} from './manifest.js';
import { type EpochMetrics, readMetricsParquet } from './metricsParquet.js';
import { readScalars } from './scalarReader.js';
import type { RunManifest, Snapshot } from './schema.js';
import { countLogEpochs, readSnapshotLog } from './snapshotLog.js';
import { readFileStatistics, type StatisticsSnapshot } from './weightsReader.js';

export { isFinished, LOG_FILE } from './manifest.js';
export type { EpochMetrics, StatisticsSnapshot };

/** Name of the table of metrics in a finished run's directory. */
export const METRICS_FILE = 'metrics.parquet';

/** A run of a store. */
export interface RunEntry {
  /** Path of the run's directory. */
  directory: string;
  manifest: RunManifest;
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
    .filter((name) => name.startsWith(RUN_PREFIX) && parseTemporaryName(name) === null)
    .sort()
    .map((name) => join(storeDirectory, name))
    .filter((directory) => statSync(directory, { throwIfNoEntry: false })?.isDirectory() && hasBegun(directory))
    .map((directory) => ({ directory, manifest: readManifest(directory) }));
}

/** Whether a run has got to its first file; one that has values but no manifest is damaged, which its reader says. */
function hasBegun(directory: string): boolean {
  return readdirSync(directory).some((name) => name === MANIFEST_FILE || WEIGHTS_FILE_PATTERN.test(name));
}

/**
 * The manifest of a run. For a run that has not ended `snapshotsRecorded` is what is readable now.
 *
 * @throws {@link MissingFileError}, CorruptFileError or SchemaVersionError, naming the file.
 */
export function readManifest(runDirectory: string): RunManifest {
  const manifest = readManifestFile(runDirectory);
  const log = activeLog(runDirectory, manifest.status);
  return log === undefined ? manifest : { ...manifest, snapshotsRecorded: countLogEpochs(log) };
}

/** What to read of a run. */
export interface SnapshotSelection {
  /** Leave out snapshots before this one. Default: none. */
  firstSnapshot?: number;
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
 * @throws CorruptFileError for a truncated or damaged file, or one that holds other tensors or fewer snapshots
 *   than the manifest says; {@link UsageError} for a tensor that the run does not have.
 */
export async function* readSnapshots(
  runDirectory: string,
  { firstSnapshot, tensors: names }: SnapshotSelection = {},
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
      if (epoch >= (firstSnapshot ?? 0)) yield { epoch, values: values.filter((_, i) => isWanted[i]), metrics };
    return;
  }
  const wanted = tensors.filter((_, i) => isWanted[i]);
  const choices = wanted.map(({ name }) => ({ tensor: name, indices: null }));
  for await (const { epoch, values } of readScalars(runDirectory, choices, { firstSnapshot })) {
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
 * The statistics of the whole tensors of a sampled run, snapshot by snapshot, in the order of the manifest's tensors.
 *
 * @throws {@link UsageError} for a run that records whole tensors; CorruptFileError for a damaged file, or one without them.
 */
export async function* readStatistics(runDirectory: string): AsyncGenerator<StatisticsSnapshot> {
  const { status, tensors, files, scalarsPerTensor } = readManifestFile(runDirectory);
  if (scalarsPerTensor === undefined)
    throw new UsageError({
      what: 'no statistics: the run records whole tensors',
      where: runDirectory,
      remedy: 'compute them from its snapshots',
    });
  const log = activeLog(runDirectory, status);
  if (log === undefined) {
    for (const file of files) yield* readFileStatistics(runDirectory, file, tensors);
    return;
  }
  for (const { epoch, statistics } of readSnapshotLog(log, tensors)) {
    if (statistics === undefined)
      throw new CorruptFileError({
        what: 'a sampled run without statistics',
        where: log,
        remedy: 'record the run again',
      });
    yield { epoch, statistics: [...statistics] };
  }
}

/**
 * The metrics of each epoch, in order.
 *
 * @throws CorruptFileError when the table is missing or damaged.
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
