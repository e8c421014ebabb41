// run.json: reading it with all checks, writing it whole. Does not look into the run's data files.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import * as v from 'valibot';
import { writeJsonAtomic } from '../atomic.js';
import { CorruptFileError, MismatchError, UsageError } from '../errors.js';
import { readJsonFile, requireVersion } from '../formats/json.js';
import { schemaProblem } from '../formats/jsonSchema.js';
import { quoteValue } from '../formats/parseJson.js';
import { isNowcastSchedule, type NowcastSchedule, readSchedule } from '../nowcaster/schedule.js';
import { TOOLKIT_VERSION } from '../version.js';
import { cadenceProblem, EVERY_EPOCH } from './cadence.js';
import {
  RUN_STATUSES,
  type RunInfo,
  type RunManifest,
  type RunStatus,
  TENSOR_KINDS,
  type TensorSpec,
  TRAJECTORY_SCHEMA_VERSION,
} from './schema.js';

/** Name of the manifest in a run's directory. */
export const MANIFEST_FILE = 'run.json';
/** Name of the log in a run's directory, there while the run is recorded. */
export const LOG_FILE = 'snapshots.arrows';
/** Prefix of the directories of runs, as hive-partitioned tables have it. */
export const RUN_PREFIX = 'run=';

/** Names of the files of values in a run's directory. */
export const WEIGHTS_FILE_PATTERN = /^weights-\d{5}\.parquet$/;

const ID_PATTERN = /^[A-Za-z0-9][A-Za-z0-9._+-]{0,199}$/;

/**
 * The directory of a run within its store.
 *
 * @throws {@link UsageError} when the id holds other than letters, digits, `.`, `_`, `+`, `-`, or is longer than 200.
 */
export function runDirectory(storeDirectory: string, id: string): string {
  if (!ID_PATTERN.test(id)) {
    throw new UsageError({
      what: 'impossible run id',
      where: quoteValue(id),
      remedy: 'use letters, digits, ".", "_", "+" and "-", beginning with a letter or digit, at most 200',
    });
  }
  return join(storeDirectory, `${RUN_PREFIX}${id}`);
}

/** Whether a run has ended for good, so that the same plan does not do it again. */
export function isFinished(status: RunStatus): boolean {
  return status === 'complete' || status === 'diverged';
}

/** The log to read in place of Parquet, if any: that of a run which did not end, or whose end was cut off. */
export function activeLog(directory: string, status: RunStatus): string | undefined {
  const path = join(directory, LOG_FILE);
  return !isFinished(status) && existsSync(path) ? path : undefined;
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
 * @throws MissingFileError when there is none, SchemaVersionError for another version,
 *   {@link CorruptFileError} when its content is not what the schema demands.
 */
export function readManifestFile(directory: string): RunManifest {
  const path = join(directory, MANIFEST_FILE);
  const remedy = 'record the run again';
  const missing = { what: 'no run here', remedy: 'name a directory run=<id> of a trajectory store' };
  const manifest = readJsonFile(path, { missing, remedy }) as RunManifest;
  requireVersion(manifest, TRAJECTORY_SCHEMA_VERSION, path, 'use the toolkit that wrote it, or record the run again');
  const problem =
    cadenceProblem(manifest.cadence) ??
    schemaProblem(SCHEMA, manifest) ??
    namesProblem(manifest) ??
    samplingProblem(manifest);
  if (problem !== null) throw corrupt(path, problem);
  return manifest;
}

const count = v.pipe(v.number(), v.safeInteger(), v.minValue(0));
const textOrNull = v.nullable(v.string());
const value = v.union([v.number(), v.string(), v.boolean()]);
const fileSum = { bytes: count, crc32: count };

const SCHEMA = v.looseObject({
  toolkitVersion: v.string(),
  id: v.pipe(v.string(), v.regex(ID_PATTERN)),
  source: v.picklist(['zoo', 'callback', 'import']),
  task: textOrNull,
  architecture: textOrNull,
  optimizer: v.nullable(v.objectWithRest({ name: v.string() }, v.nullable(value))),
  hyperparameters: v.record(v.string(), v.nullable(value)),
  seed: v.nullable(v.number()),
  engine: textOrNull,
  epochsPlanned: v.nullable(v.number()),
  nowcasts: v.optional(
    v.pipe(
      v.unknown(),
      v.transform(readSchedule),
      v.custom<NowcastSchedule>(isNowcastSchedule, 'a schedule of nowcasts'),
    ),
  ),
  tensors: v.pipe(
    v.array(
      v.looseObject({
        name: v.string(),
        kind: v.picklist(TENSOR_KINDS),
        shape: v.array(count),
        sampledFrom: v.optional(v.array(count)),
      }),
    ),
    v.minLength(1),
  ),
  stepsPerEpoch: v.optional(v.pipe(count, v.minValue(1))),
  scalarsPerTensor: v.optional(v.pipe(count, v.minValue(1))),
  positions: v.optional(v.object(fileSum)),
  snapshotsRecorded: count,
  files: v.array(v.object({ name: v.pipe(v.string(), v.regex(WEIGHTS_FILE_PATTERN)), ...fileSum })),
  metrics: v.nullable(v.object(fileSum)),
  status: v.picklist(RUN_STATUSES),
  reason: textOrNull,
});

function namesProblem({ tensors }: RunManifest): string | null {
  return new Set(tensors.map(({ name }) => name)).size === tensors.length ? null : 'two tensors of one name';
}

/** Whether what is said of a sample fits together. */
function samplingProblem({ tensors, scalarsPerTensor, positions }: RunManifest): string | null {
  if ((scalarsPerTensor === undefined) !== (positions === undefined))
    return scalarsPerTensor === undefined ? 'positions without scalarsPerTensor' : 'scalarsPerTensor without positions';
  for (const { name, shape, sampledFrom } of tensors) {
    if (sampledFrom === undefined) continue;
    if (scalarsPerTensor === undefined) return `${name} has sampledFrom without scalarsPerTensor`;
    if (shape.length !== 1 || shape[0] !== scalarsPerTensor || shape[0] >= countValues(sampledFrom))
      return `${name} holds [${shape.join(', ')}] of [${sampledFrom.join(', ')}] with ${scalarsPerTensor} scalars a tensor`;
  }
  return null;
}

function corrupt(path: string, why: string): CorruptFileError {
  return new CorruptFileError({
    what: `damaged manifest (${why})`,
    where: path,
    remedy: 'record the run again',
  });
}

/**
 * The manifest of a run that begins.
 *
 * @throws {@link MismatchError} for no tensors or two of one name.
 */
export function newManifest(info: RunInfo, tensors: TensorSpec[]): RunManifest {
  if (tensors.length === 0 || new Set(tensors.map(({ name }) => name)).size !== tensors.length) {
    throw new MismatchError({
      what: tensors.length === 0 ? 'nothing to record' : 'two tensors of one name',
      where: `run ${info.id}`,
      remedy: 'give at least one tensor, and each a name of its own',
    });
  }
  return {
    schemaVersion: TRAJECTORY_SCHEMA_VERSION,
    toolkitVersion: TOOLKIT_VERSION,
    ...info,
    cadence: info.cadence ?? EVERY_EPOCH,
    tensors,
    snapshotsRecorded: 0,
    files: [],
    metrics: null,
    status: 'recording',
    reason: null,
  };
}
