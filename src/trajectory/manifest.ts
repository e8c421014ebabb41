// run.json: reading it with all checks, writing it whole. Does not look into the run's data files.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonAtomic } from '../atomic.js';
import { CorruptFileError, MissingFileError, SchemaVersionError, UsageError } from '../errors.js';
import { isNowcastSchedule } from '../nowcaster/schedule.js';
import { cadenceProblem } from './cadence.js';
import {
  type FileSum,
  RUN_STATUSES,
  type RunManifest,
  TENSOR_KINDS,
  type TensorSpec,
  TRAJECTORY_SCHEMA_VERSION,
  type WeightsFile,
} from './schema.js';

/** Name of the manifest in a run's directory. */
export const MANIFEST_FILE = 'run.json';
/** Prefix of the directories of runs, as hive-partitioned tables have it. */
export const RUN_PREFIX = 'run=';

/** Names of the files of values in a run's directory. */
export const WEIGHTS_FILE_PATTERN = /^weights-\d{5}\.parquet$/;

const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._-]{0,199}$/;

/**
 * The directory of a run within its store.
 *
 * @throws {@link UsageError} when the id holds other than letters, digits, `.`, `_`, `-`, or is longer than 200.
 */
export function runDirectory(storeDirectory: string, id: string): string {
  if (!ID_PATTERN.test(id)) {
    throw new UsageError({
      what: 'impossible run id',
      where: JSON.stringify(id),
      remedy: 'use letters, digits, ".", "_" and "-", beginning with a letter or digit, at most 200',
    });
  }
  return join(storeDirectory, `${RUN_PREFIX}${id}`);
}

/** Number of values of a tensor of this shape. */
export function countValues(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

/** Writes `run.json` whole. @throws WriteError */
export function writeManifest(directory: string, manifest: RunManifest): void {
  writeJsonAtomic(join(directory, MANIFEST_FILE), manifest);
}

/**
 * Reads and checks the `run.json` of a run's directory, as it was written.
 *
 * @throws {@link MissingFileError} when there is none, {@link SchemaVersionError} for another version,
 *   {@link CorruptFileError} when its content is not what the schema demands.
 */
export function readManifestFile(directory: string): RunManifest {
  const path = join(directory, MANIFEST_FILE);
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new MissingFileError({
      what: 'no run here',
      where: path,
      remedy: 'name a directory run=<id> of a trajectory store',
      cause: error,
    });
  }
  let value: unknown;
  try {
    value = JSON.parse(text);
  } catch (error) {
    throw corrupt(path, 'not JSON', error);
  }
  if (typeof value !== 'object' || value === null) throw corrupt(path, 'not an object');
  const manifest = value as Partial<RunManifest>;
  if (manifest.schemaVersion !== TRAJECTORY_SCHEMA_VERSION) {
    throw new SchemaVersionError({
      what: `run of schema version ${JSON.stringify(manifest.schemaVersion)}, this toolkit reads ${TRAJECTORY_SCHEMA_VERSION}`,
      where: path,
      remedy: 'use the toolkit version that wrote it, or record the run again',
    });
  }
  if (typeof manifest.id !== 'string' || !ID_PATTERN.test(manifest.id)) throw corrupt(path, 'bad id');
  if (!RUN_STATUSES.includes(manifest.status as never)) throw corrupt(path, 'unknown status');
  const problem = cadenceProblem(manifest.cadence);
  if (problem !== null) throw corrupt(path, problem);
  if (!isCount(manifest.snapshotsRecorded)) throw corrupt(path, 'snapshotsRecorded is not a whole number');
  if (!Array.isArray(manifest.tensors) || manifest.tensors.length === 0 || !manifest.tensors.every(isTensorSpec)) {
    throw corrupt(path, 'bad list of tensors');
  }
  if (new Set(manifest.tensors.map(({ name }) => name)).size !== manifest.tensors.length) {
    throw corrupt(path, 'two tensors of one name');
  }
  if (manifest.metricsFile !== null && !isFileSum(manifest.metricsFile)) throw corrupt(path, 'bad metricsFile');
  if (!Array.isArray(manifest.files) || !manifest.files.every(isWeightsFile)) throw corrupt(path, 'bad list of files');
  if (manifest.nowcasts !== undefined && !isNowcastSchedule(manifest.nowcasts)) throw corrupt(path, 'bad nowcasts');
  return manifest as RunManifest;
}

function corrupt(path: string, why: string, cause?: unknown): CorruptFileError {
  return new CorruptFileError({
    what: `damaged manifest (${why})`,
    where: path,
    remedy: 'record the run again',
    cause,
  });
}

function isCount(value: unknown): value is number {
  return Number.isSafeInteger(value) && (value as number) >= 0;
}

function isTensorSpec(value: unknown): value is TensorSpec {
  const spec = value as Partial<TensorSpec> | null;
  return (
    typeof spec === 'object' &&
    spec !== null &&
    typeof spec.name === 'string' &&
    TENSOR_KINDS.includes(spec.kind as never) &&
    Array.isArray(spec.shape) &&
    spec.shape.every(isCount)
  );
}

function isFileSum(value: unknown): value is FileSum {
  const file = value as Partial<FileSum> | null | undefined;
  return typeof file === 'object' && file !== null && isCount(file.bytes) && isCount(file.crc32);
}

function isWeightsFile(value: unknown): value is WeightsFile {
  return isFileSum(value) && WEIGHTS_FILE_PATTERN.test(String((value as Partial<WeightsFile>).name));
}
