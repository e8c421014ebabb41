// Runs one job: trains a task's network with one method and records the result.

import { parseAveraging } from '../callback/averages/index.js';
import type { Engine } from '../engine/engine.js';
import { EVALUATION_SCHEMA_VERSION, type EvaluationJob, type RunRecord } from '../evaluation/schema.js';
import { loadDataset } from '../tasks/dataset.js';
import { findTask, type Task } from '../tasks/task.js';
import type { Examples, TaskData } from '../tasks/taskData.js';
import { type BatchProgress, type EpochProgress, trainTask } from '../tasks/trainTask.js';
import { TOOLKIT_VERSION } from '../version.js';
import { averageTraining } from './methods/averaging.js';
import type { CommonSettings } from './methods/commonSettings.js';
import type { MethodTraining } from './methods/definition.js';
import { findMethod } from './methods/registry.js';
import { TrajectorySample } from './trajectorySample.js';

/** Hooks of {@link trainRun}. */
export interface TrainRunHooks {
  /** Directory with what was prepared for the evaluation. Default: its output directory. */
  inputs?: string;
  onBatch?(progress: BatchProgress): void;
  onEpoch?(progress: EpochProgress): void;
  signal?: AbortSignal;
}

/** Tasks whose network was warmed up in this process. */
const warm = new Set<string>();

/**
 * Trains a network of the task on one batch, once per process. The first batches include compilation time, which would
 * otherwise count against the first method: plain.
 */
async function warmUp(task: Task, data: TaskData, { batchSize, optimizer }: EvaluationJob): Promise<void> {
  if (warm.has(task.name)) return;
  warm.add(task.name);
  const take = (examples: Examples, most: number) =>
    examples.subset(Uint32Array.from({ length: Math.min(most, examples.count) }, (_, i) => i));
  const few = { ...data, train: take(data.train, batchSize), validation: take(data.validation, batchSize) };
  await trainTask({ task, data: few, seed: 0, epochs: 1, batchSize, optimizer });
}

const finiteOrNull = (value: number) => (Number.isFinite(value) ? value : null);

/**
 * Trains the network of a job on the engine that is open. Initial weights and batches depend on task and seed alone.
 *
 * @param out output directory of the evaluation; sampled trajectories go there.
 * @param imagesDirectory directory of the image datasets; undefined: the default.
 * @throws MissingFileError when images or nowcaster are not there; `signal.reason` when aborted.
 */
export async function trainRun(
  job: EvaluationJob,
  engine: Pick<Engine, 'description'>,
  out: string,
  imagesDirectory: string | undefined,
  { inputs = out, ...hooks }: TrainRunHooks = {},
): Promise<RunRecord> {
  const task = findTask(job.task);
  const data = await loadDataset(task.data, {
    trainExamples: job.trainExamples ?? undefined,
    validationExamples: job.validationExamples ?? undefined,
    directory: imagesDirectory,
  });
  await warmUp(task, data, job);
  const method = (await findMethod(job.method.type).train?.(job.method, { job, inputs })) ?? {};
  const { validate } = job.method as CommonSettings;
  const average = validate === undefined ? null : averageTraining(parseAveraging(validate), job.epochs);
  const parts: readonly MethodTraining[] = average === null ? [method] : [method, average];
  const validationWeights = average?.validationWeights ?? method.validationWeights?.bind(method);
  const sample = new TrajectorySample(out, job);
  const seconds: number[] = [];
  let started = 0;
  const clock = {
    onTrainBegin: () => {
      started = performance.now();
    },
    onEpochEnd: () => {
      seconds.push((performance.now() - started - sample.milliseconds) / 1000);
    },
  };
  try {
    const { history, diverged, epochs } = await trainTask({
      task,
      data,
      seed: job.seed,
      epochs: job.epochs,
      batchSize: job.batchSize,
      epochExamples: job.epochExamples ?? undefined,
      optimizer: job.optimizer,
      callbacks: [sample, ...parts.flatMap(({ callback }) => callback ?? []), clock],
      validationWeights,
      ...hooks,
    });
    // A training that is aborted at the end of an epoch finishes cleanly, but is incomplete.
    if (epochs < job.epochs && !diverged) hooks.signal?.throwIfAborted();
    await sample.finish(diverged ? 'diverged' : 'complete');
    return {
      schemaVersion: EVALUATION_SCHEMA_VERSION,
      toolkitVersion: TOOLKIT_VERSION,
      ...job,
      engineDescription: engine.description,
      status: diverged ? 'diverged' : 'complete',
      metrics: Object.fromEntries(Object.entries(history).map(([name, values]) => [name, values.map(finiteOrNull)])),
      seconds,
      nowcasts: [...(method.nowcasts?.() ?? [])],
    };
  } finally {
    for (const part of parts) await part.dispose?.();
  }
}
