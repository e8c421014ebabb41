// Reads a trajectory store: which runs it has, and the snapshots of one, streaming. Finished runs are read from Parquet,
// unfinished ones from their log, so that what a killed process recorded is there too.

import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { CorruptFileError, MissingFileError, UsageError } from '../errors.js';
import { MANIFEST_FILE, RUN_PREFIX, readManifestFile, WEIGHTS_FILE_PATTERN } from './manifest.js';
import { type EpochMetrics, readMetricsParquet } from './metricsParquet.js';
import type { RunManifest, RunStatus, Snapshot } from './schema.js';
import { countLogEpochs, readSnapshotLog } from './snapshotLog.js';
import { readWeightsPart, type SnapshotSelection } from './weightsReader.js';

export type { EpochMetrics, SnapshotSelection };

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

/**
 * The snapshots of a run in the order of their epochs, from Parquet or from the log of a run that has not ended; a cut-off
 * tail of the log is left out. At most a row group (8 MiB of values, or one epoch where that is more) is in memory. The
 * arrays of a snapshot are views of a buffer that the snapshots of a row group share.
 *
 * Snapshots from Parquet carry no metrics: {@link readMetrics} has them.
 *
 * @param selection with `tensors`, `values` holds only those, in the order of the manifest.
 * @throws {@link CorruptFileError} for a truncated or damaged file, or one that holds other tensors or fewer epochs than
 *   the manifest says; {@link UsageError} for a tensor that the run does not have.
 */
export async function* readSnapshots(
  runDirectory: string,
  selection: SnapshotSelection = {},
): AsyncGenerator<Snapshot> {
  const manifest = readManifestFile(runDirectory);
  const { tensors, status } = manifest;
  const unknown = selection.tensors?.find((name) => !tensors.some((tensor) => tensor.name === name));
  if (unknown !== undefined) {
    throw new UsageError({
      what: `no tensor ${unknown}`,
      where: runDirectory,
      remedy: `choose from ${tensors.map(({ name }) => name).join(', ')}`,
    });
  }
  const log = activeLog(runDirectory, status);
  if (log !== undefined) {
    const wanted = selection.tensors && new Set(selection.tensors);
    for (const snapshot of readSnapshotLog(log, tensors)) {
      if (snapshot.epoch < (selection.firstEpoch ?? Number.NEGATIVE_INFINITY)) continue;
      if (wanted) snapshot.values = snapshot.values.filter((_, i) => wanted.has(tensors[i].name));
      yield snapshot;
    }
    return;
  }
  let epochs = 0;
  for (const file of manifest.files) {
    for await (const snapshot of readWeightsPart(runDirectory, file, tensors, selection)) {
      epochs++;
      yield snapshot;
    }
  }
  if (selection.firstEpoch === undefined && epochs !== manifest.snapshotsRecorded) {
    throw new CorruptFileError({
      what: `run holds ${epochs} epochs, its manifest says ${manifest.snapshotsRecorded}`,
      where: runDirectory,
      remedy: 'restore its weights-*.parquet from a copy, or delete the directory and record the run again',
    });
  }
}

/**
 * The figures of each epoch, in order.
 *
 * @throws {@link CorruptFileError} when the table is missing or damaged.
 */
export async function readMetrics(runDirectory: string): Promise<EpochMetrics[]> {
  const { status, tensors, snapshotsRecorded, metricsFile } = readManifestFile(runDirectory);
  const log = activeLog(runDirectory, status);
  if (log !== undefined) {
    const rows: EpochMetrics[] = [];
    for (const { epoch, metrics } of readSnapshotLog(log, tensors)) rows.push({ epoch, metrics });
    return rows;
  }
  const path = join(runDirectory, METRICS_FILE);
  return snapshotsRecorded === 0 && !existsSync(path) ? [] : readMetricsParquet(path, metricsFile);
}
