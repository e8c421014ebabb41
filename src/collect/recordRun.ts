// One run of a plan: train its network with the recorder watching. Runs inside a worker process, and is callable alone.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Engine } from '../engine/index.js';
import { claim } from '../files/claim.js';
import { countBatches } from '../tasks/batches.js';
import { loadDataset } from '../tasks/dataset.js';
import { findTask } from '../tasks/task.js';
import { type BatchProgress, type EpochProgress, trainTask } from '../tasks/trainTask.js';
import { MANIFEST_FILE, runDirectory } from '../trajectory/manifest.js';
import { isFinished, readManifest } from '../trajectory/runReader.js';
import type { RunManifest } from '../trajectory/schema.js';
import type { PlannedRun } from './plan.js';
import { TrajectoryRecorder } from './recorder.js';

/** Options of {@link recordRun}. */
export interface RecordRunOptions {
  store: string;
  run: PlannedRun;
  /** The engine that is open in this process. */
  engine: Engine;
  /** Directory of the image datasets. Default: `imagesDirectory()` of tasks. */
  images?: string;
  onBatch?(progress: BatchProgress): void;
  onEpoch?(progress: EpochProgress): void;
  /** Told once when another process records the same run, which this one then waits for. */
  onWait?(): void;
  /** Stops at the end of the batch; the finished epochs are kept as an interrupted run. */
  signal?: AbortSignal;
}

/** Result of {@link recordRun}. */
export interface RecordRunResult {
  manifest: RunManifest;
  /** False when the store had the finished run already. */
  trained: boolean;
  /** Metrics of the last trained epoch: loss, acc, val_loss, val_acc. */
  metrics: Record<string, number>;
  /** Wall-clock time from the first batch to the finished Parquet, and the part of it that went into recording. */
  seconds: number;
  recordingSeconds: number;
  /** Training examples (images) a second, without validation and recording. */
  examplesPerSecond: number;
}

/** Here the end of a run is the end of its plan, not the end of `fit`: an interrupted fit ends too. */
class PlanRecorder extends TrajectoryRecorder {
  override async onTrainEnd(): Promise<void> {}
}

/**
 * Trains and records one run of a plan. A finished run that is in the store is left alone; an unfinished one is done
 * again from its start, and what it had recorded stays readable until it is overtaken.
 *
 * @throws UsageError, MissingFileError and the like of the task; WriteError when the disk is full; `signal.reason` when
 *   aborted, after what was recorded has been kept.
 */
export async function recordRun(options: RecordRunOptions): Promise<RecordRunResult> {
  const { store, run, signal, onWait } = options;
  const directory = runDirectory(store, run.id);
  // Another process may record the same plan into the same store; whoever comes second finds the finished run.
  const release = await claim(directory, { signal, onWait });
  try {
    return await recordClaimed(directory, options);
  } finally {
    release();
  }
}

async function recordClaimed(directory: string, options: RecordRunOptions): Promise<RecordRunResult> {
  const { store, run, engine, signal } = options;
  if (existsSync(join(directory, MANIFEST_FILE))) {
    const manifest = readManifest(directory);
    if (isFinished(manifest.status)) {
      return { manifest, trained: false, metrics: {}, seconds: 0, recordingSeconds: 0, examplesPerSecond: 0 };
    }
  }
  const task = findTask(run.task);
  const data = await loadDataset(task.data, {
    trainExamples: run.trainExamples ?? undefined,
    validationExamples: run.validationExamples ?? undefined,
    seed: run.seed,
    directory: options.images,
  });
  const recorder = new PlanRecorder({
    store,
    id: run.id,
    source: 'zoo',
    task: task.data,
    architecture: task.architecture,
    optimizer: run.optimizer,
    hyperparameters: {
      batchSize: run.batchSize,
      width: run.width,
      ...task.options,
      ...run.augmentation,
      trainExamples: data.train.count,
      ...(run.epochExamples === undefined ? {} : { epochExamples: run.epochExamples }),
      validationExamples: data.validation.count,
    },
    seed: run.seed,
    engine: `${engine.name} ${engine.version}`,
    epochsPlanned: run.epochs,
    cadence: run.cadence,
    stepsPerEpoch: countBatches(Math.min(data.train.count, run.epochExamples ?? data.train.count), run.batchSize),
    scalarsPerTensor: run.scalarsPerTensor,
  });
  let metrics: Record<string, number> = {};
  try {
    const result = await trainTask({
      task,
      data,
      seed: run.seed,
      epochs: run.epochs,
      batchSize: run.batchSize,
      optimizer: run.optimizer,
      epochExamples: run.epochExamples,
      options: { width: run.width },
      augmentation: run.augmentation ?? undefined,
      callbacks: [recorder],
      signal,
      onBatch: options.onBatch,
      onEpoch: (progress) => {
        metrics = progress.metrics;
        options.onEpoch?.(progress);
      },
    });
    if (result.epochs < run.epochs && !result.diverged) signal?.throwIfAborted();
    const trained = performance.now();
    const manifest = result.diverged
      ? await recorder.finish('diverged', `diverged at epoch ${result.epochs - 1}`)
      : await recorder.finish();
    const finishSeconds = (performance.now() - trained) / 1000;
    return {
      manifest: manifest as RunManifest,
      trained: true,
      metrics,
      seconds: result.seconds + finishSeconds,
      recordingSeconds: recorder.seconds,
      examplesPerSecond: result.examplesPerSecond,
    };
  } catch (error) {
    const interrupted = signal?.aborted && error === signal.reason;
    const reason = interrupted ? 'stopped by the user' : error instanceof Error ? error.message : String(error);
    // The error that ended the run is the one to report. When the disk is full the log stays as it is, readable.
    await recorder.finish(interrupted ? 'interrupted' : 'failed', reason).catch(() => {});
    throw error;
  }
}
