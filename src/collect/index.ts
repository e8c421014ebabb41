// The collect stage: records the training runs of a plan into a trajectory store, on worker processes.

import { mkdirSync, rmdirSync, statfsSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';
import { setImmediate } from 'node:timers/promises';
import * as tf from '@tensorflow/tfjs-core';
import { MissingFileError } from '../errors.js';
import {
  FLAG,
  FUNCTION,
  NUMBER,
  needed,
  OBJECT,
  type OptionTypes,
  objectOf,
  requireOptions,
  TEXT,
} from '../optionTypes.js';
import '@tensorflow/tfjs-backend-cpu';
import { asWriteError } from '../atomic.js';
import type { EngineRequest } from '../engine/index.js';
import { clearLeftovers } from '../files/temporary.js';
import { type Job, type JobExecutor, type JobOutcome, processExecutor, type Shard, takeShard } from '../jobs/index.js';
import type { NoteListener, ProgressListener } from '../progress.js';
import { quantity } from '../quantity.js';
import { findDataSource, imagesDirectory } from '../tasks/dataset.js';
import { findTask } from '../tasks/task.js';
import { countSnapshots } from '../trajectory/cadence.js';
import { runDirectory } from '../trajectory/manifest.js';
import { isFinished } from '../trajectory/runReader.js';
import { tidyFinishedRun } from '../trajectory/runWriter.js';
import type { RunManifest, RunStatus } from '../trajectory/schema.js';
import { type ExpectedSize, SizeEstimator } from './expectedSize.js';
import { collectJobs, findRun } from './jobKind.js';
import { openPlan, type PlannedRun } from './plan.js';
import { PLAN_OPTIONS, type PlanOptions } from './planSchema.js';
import type { RecordRunResult } from './recordRun.js';
import type { RecordJob } from './worker.js';

export type { Shard } from '../jobs/index.js';
export {
  type CheckpointImporter,
  type FileStart,
  type ImportedRun,
  type ImportOptions,
  type ImportResult,
  importCheckpoints,
  type ListedCheckpoint,
  type ListedTensor,
  RefusedFormatError,
} from './import/index.js';
export type { Network } from './namedTensors.js';
export { type PlannedRun, planRuns } from './plan.js';
export { readPlanFile } from './planFile.js';
export type { PlannedOptimizer, PlanOptions, Range } from './planSchema.js';
export { TrajectoryRecorder, type TrajectoryRecorderOptions } from './recorder.js';

/** Options of {@link collect}: the plan, and how to do it. */
export interface CollectOptions extends PlanOptions {
  /** Directory of the trajectory store; created where it is missing. */
  store: string;
  /** Compute engine. Default `auto`. */
  engine?: EngineRequest;
  /** For webgpu: the GPU to use, or a part of its name. Default: the one that the system prefers. */
  adapter?: string;
  /** Worker processes, one run each at a time; not with an `executor`. Default: one per core. */
  workers?: number;
  /** Do only a part of the plan. Default: all. */
  shard?: Shard;
  /** Who does the runs, e.g. a `queueExecutor`. Default: `workers` processes of this machine. */
  executor?: JobExecutor;
  /** Only say what would be done. Default false. */
  dryRun?: boolean;
  /** Directory of the image datasets. Default: $WNN_IMAGES, or data/images. */
  images?: string;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  /** When aborted, runs in hand keep their finished epochs, and the same call later completes the plan. */
  signal?: AbortSignal;
}

/** The types of {@link CollectOptions}. */
const COLLECT_OPTIONS: OptionTypes<CollectOptions> = {
  ...PLAN_OPTIONS,
  store: needed(TEXT),
  engine: TEXT,
  adapter: TEXT,
  workers: NUMBER,
  shard: objectOf('index', 'count'),
  executor: OBJECT,
  dryRun: FLAG,
  images: TEXT,
  onProgress: FUNCTION,
  onNote: FUNCTION,
  signal: OBJECT,
};

/** One run of {@link CollectResult}. */
export interface CollectedRun {
  id: string;
  task: string;
  directory: string;
  /** `planned`: not begun, after an interruption or in a dry run. */
  status: RunStatus | 'planned';
  /** Why it failed, diverged or was interrupted. */
  reason: string | null;
  /** Snapshots that the store has of it. */
  snapshots: number;
  /** Whether this call recorded it; false for runs that were there. */
  recorded: boolean;
  /** What was drawn for it. */
  settings: Omit<PlannedRun, 'id' | 'task' | 'index'>;
  expected: ExpectedSize;
}

/** Result of {@link collect}. */
export interface CollectResult {
  store: string;
  /** The runs of the plan (of its shard) in order. */
  runs: CollectedRun[];
  /** How many of them have each status now. */
  counts: Partial<Record<CollectedRun['status'], number>>;
  /** Runs and snapshots that this call recorded. */
  recordedRuns: number;
  recordedSnapshots: number;
  /** Expected size of the whole plan on disk. */
  expectedBytes: number;
  /** Wall-clock time. */
  seconds: number;
  /** Training images a second of wall-clock time, over all workers; 0 when nothing was trained. */
  imagesPerSecond: number;
  /** Share of the runs' time that recording took, the making of the Parquet included; null when nothing was trained, or by
   * other machines. */
  recordingShare: number | null;
  interrupted: boolean;
  dryRun: boolean;
}

/**
 * Records the runs of a plan. Runs that the store has finished (`complete` or `diverged`) are kept; all others are done
 * from their start. Killed at any moment, it leaves every finished epoch readable, and the same call does the rest.
 *
 * A run that fails is tried once more; when it fails again it is kept as `failed` with the reason, and the others go on.
 *
 * @throws {@link UsageError} for an impossible plan; MissingFileError when an image dataset is not there;
 *   EngineUnavailableError; WriteError when the disk is full, after the other runs have been stopped in good order.
 */
export async function collect(options: CollectOptions): Promise<CollectResult> {
  requireOptions('collect', options, COLLECT_OPTIONS);
  const { store, dryRun = false, onNote, signal } = options;
  const begin = performance.now();
  const executor = options.executor ?? processExecutor({ workers: options.workers });
  const runs = await makeRuns(options);
  const expected = await estimateSizes(runs, signal);
  const expectedBytes = expected.reduce((sum, { bytes }) => sum + bytes, 0);
  const before = new Map(runs.map((run) => [run.id, findRun(store, run.id)]));
  const isMissing = ({ id }: PlannedRun) => !isFinished(before.get(id)?.status ?? 'recording');
  const missing = runs.filter(isMissing);

  if (!dryRun) {
    clearLeftovers(store);
    for (const run of runs) if (!isMissing(run)) tidyFinishedRun(runDirectory(store, run.id));
  }
  noteBegunAnew(missing, before, onNote);
  let outcomes: JobOutcome<RecordJob, RecordRunResult | null>[] = [];
  // Otherwise the images are where the workers are.
  if (executor.local) requireImages(missing, options, dryRun);
  if (!dryRun && missing.length > 0) {
    const removeIfEmpty = makeStore(store);
    try {
      const needed = runs.reduce((sum, run, i) => sum + (isMissing(run) ? expected[i].bytes : 0), 0);
      warnOfSpace(store, needed, onNote);
      outcomes = await recordMissing(executor, options, missing, sumEpochs(runs) - sumEpochs(missing));
    } finally {
      removeIfEmpty();
    }
  }
  const outcomeOf = new Map(outcomes.map((outcome) => [outcome.job.id, outcome]));
  const collected = runs.map((run, i) =>
    describeRun(store, run, expected[i], before.get(run.id), outcomeOf.get(run.id)),
  );
  for (const { id, status, reason } of collected) if (status === 'diverged') onNote?.(`${id} diverged: ${reason}`);
  return summarize(collected, outcomes, {
    store,
    expectedBytes,
    seconds: (performance.now() - begin) / 1000,
    interrupted: signal?.aborted ?? false,
    dryRun,
  });
}

const sumEpochs = (runs: readonly PlannedRun[]) => runs.reduce((sum, run) => sum + run.epochs, 0);

async function recordMissing(
  executor: JobExecutor,
  { store, engine = 'auto', adapter, images, onProgress, onNote, signal }: CollectOptions,
  missing: readonly PlannedRun[],
  unitsBefore: number,
): Promise<JobOutcome<RecordJob, RecordRunResult | null>[]> {
  const jobs = missing.map((run): Job<RecordJob> => ({ id: run.id, spec: { store, run, engine, adapter, images } }));
  const list = { kind: collectJobs, directory: store, jobs, unitsBefore };
  return executor.execute<RecordJob, RecordRunResult>({ ...list, onProgress, onNote, signal });
}

/** Runs between two looks at the signal. */
const BATCH = 256;

/** Maps a long list without keeping signals from being handled. @throws `signal.reason` */
async function mapInBatches<T, R>(list: readonly T[], map: (item: T) => R, signal?: AbortSignal): Promise<R[]> {
  const mapped: R[] = [];
  for (const item of list) {
    if (mapped.length % BATCH === 0) {
      await setImmediate();
      signal?.throwIfAborted();
    }
    mapped.push(map(item));
  }
  return mapped;
}

/** The runs of the plan, or of its shard alone. */
async function makeRuns(options: CollectOptions): Promise<PlannedRun[]> {
  const { shard, signal } = options;
  const plan = openPlan(options);
  const numbers = Array.from({ length: plan.count }, (_, index) => index);
  return mapInBatches(shard ? takeShard(numbers, shard) : numbers, (index) => plan.run(index), signal);
}

async function estimateSizes(runs: readonly PlannedRun[], signal?: AbortSignal): Promise<ExpectedSize[]> {
  // Counting parameters needs some backend; the workers open the real one.
  const previous = tf.engine().backendName;
  tf.enableProdMode();
  await tf.setBackend('cpu');
  const estimator = new SizeEstimator();
  try {
    return await mapInBatches(runs, (run) => estimator.estimate(run), signal);
  } finally {
    if (previous !== undefined && previous !== null) await tf.setBackend(previous);
  }
}

/** Finds an image dataset that is not there now, rather than in a worker. */
function requireImages(
  runs: readonly PlannedRun[],
  { images = imagesDirectory(), onNote }: CollectOptions,
  dryRun: boolean,
): void {
  for (const name of new Set(runs.map(({ task }) => findTask(task).data))) {
    try {
      findDataSource(name).locate(join(images, name));
    } catch (error) {
      if (!dryRun || !(error instanceof MissingFileError)) throw error;
      onNote?.(error.message);
    }
  }
}

/** Makes the store. @returns what removes it again, with the directories that were made for it, while it is empty. */
function makeStore(store: string): () => void {
  try {
    const first = mkdirSync(store, { recursive: true });
    return () => {
      if (first === undefined) return;
      try {
        for (let directory = resolve(store); directory.length >= resolve(first).length; directory = dirname(directory))
          rmdirSync(directory);
      } catch {
        // Something is in it.
      }
    };
  } catch (error) {
    throw asWriteError(error, store);
  }
}

/** Epochs that were trained of a run, as far as its snapshots say. */
function trainedEpochs({ snapshotsRecorded: snapshots, cadence, stepsPerEpoch }: RunManifest): number {
  const counted = snapshots * cadence.every;
  return cadence.unit === 'epoch' ? counted : Math.floor(counted / (stepsPerEpoch ?? Number.POSITIVE_INFINITY));
}

/** Says which runs were begun before, and what it costs that they begin anew. */
function noteBegunAnew(
  missing: readonly PlannedRun[],
  before: ReadonlyMap<string, RunManifest | undefined>,
  onNote?: NoteListener,
): void {
  const begun = missing.flatMap(({ id, epochs }) => {
    const manifest = before.get(id);
    return manifest === undefined || manifest.snapshotsRecorded === 0 ? [] : [{ id, epochs, manifest }];
  });
  if (begun.length === 0) return;
  const lost = begun.reduce((sum, { manifest }) => sum + trainedEpochs(manifest), 0);
  const some = begun.slice(0, 3).map(({ id, epochs, manifest }) => `${id} (${trainedEpochs(manifest)} of ${epochs})`);
  const more = begun.length > some.length ? ` and ${begun.length - some.length} more` : '';
  onNote?.(
    `${quantity(begun.length, 'run')} that did not end ${begun.length === 1 ? 'begins' : 'begin'} anew, since a store has ` +
      `no optimizer state: ${quantity(lost, 'epoch')} to be trained again, ${some.join(', ')}${more}`,
  );
}

function warnOfSpace(store: string, needed: number, onNote?: NoteListener): void {
  const { bavail, bsize } = statfsSync(store);
  if (needed > bavail * bsize) {
    const megabytes = (bytes: number) => `${Math.ceil(bytes / 1e6).toLocaleString('en-GB')} MB`;
    onNote?.(`the plan will need about ${megabytes(needed)}, but ${store} has ${megabytes(bavail * bsize)} left`);
  }
}

function describeRun(
  store: string,
  run: PlannedRun,
  expected: ExpectedSize,
  before: RunManifest | undefined,
  outcome: JobOutcome<RecordJob, RecordRunResult | null> | undefined,
): CollectedRun {
  const { id, task, index, ...settings } = run;
  // Other machines leave their results in the store alone.
  const result = outcome?.status === 'done' ? outcome.result : null;
  const trained = outcome?.status === 'done' && (result?.trained ?? true);
  const manifest = outcome === undefined ? before : (result?.manifest ?? findRun(store, id));
  const failure = outcome?.status === 'failed' ? outcome.error.message : null;
  // Of a run that is there, the steps are known; before, they are those of an assumed number of examples.
  const steps = manifest?.stepsPerEpoch;
  const snapshots =
    steps === undefined
      ? expected.snapshots
      : countSnapshots(run.cadence, { epochs: run.epochs, steps: run.epochs * steps });
  return {
    id,
    task,
    directory: runDirectory(store, id),
    status: failure !== null ? 'failed' : (manifest?.status ?? 'planned'),
    reason: failure ?? manifest?.reason ?? null,
    snapshots: manifest?.snapshotsRecorded ?? 0,
    recorded: trained,
    settings,
    expected: { ...expected, snapshots },
  };
}

function summarize(
  runs: CollectedRun[],
  outcomes: readonly JobOutcome<RecordJob, RecordRunResult | null>[],
  rest: Pick<CollectResult, 'store' | 'expectedBytes' | 'seconds' | 'interrupted' | 'dryRun'>,
): CollectResult {
  const counts: CollectResult['counts'] = {};
  for (const { status } of runs) counts[status] = (counts[status] ?? 0) + 1;
  const recorded = runs.filter((run) => run.recorded);
  let images = 0;
  let trainingSeconds = 0;
  let recordingSeconds = 0;
  for (const outcome of outcomes) {
    if (outcome.status !== 'done') continue;
    const { result, job } = outcome;
    if (result?.trained === false) continue;
    const manifest = result?.manifest ?? findRun(rest.store, job.id);
    images +=
      Number(manifest?.hyperparameters.epochExamples ?? manifest?.hyperparameters.trainExamples ?? 0) *
      job.spec.run.epochs;
    trainingSeconds += result?.seconds ?? 0;
    recordingSeconds += result?.recordingSeconds ?? 0;
  }
  return {
    ...rest,
    runs,
    counts,
    recordedRuns: recorded.length,
    recordedSnapshots: recorded.reduce((sum, { snapshots }) => sum + snapshots, 0),
    imagesPerSecond: images / rest.seconds,
    recordingShare: trainingSeconds > 0 ? recordingSeconds / trainingSeconds : null,
  };
}
