// Runs one training: trains a task's network with one method and records the result for each job that it serves.

import type { Engine } from '../engine/engine.js';
import { EVALUATION_SCHEMA_VERSION, type EvaluationJob, type RunRecord } from '../evaluation/schema.js';
import { shuffledBatches } from '../tasks/batches.js';
import { loadDataset } from '../tasks/dataset.js';
import { findTask, type Task } from '../tasks/task.js';
import type { Examples, TaskData } from '../tasks/taskData.js';
import { type BatchProgress, type EpochProgress, type TrainCallback, trainTask } from '../tasks/trainTask.js';
import { TOOLKIT_VERSION } from '../version.js';
import { averageTraining } from './methods/averaging.js';
import { averagingOf, findMethod } from './methods/registry.js';
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

/** What one of the jobs of a training has for itself: the average that it validates, and the time that this takes. */
class Validation {
  readonly average: ReturnType<typeof averageTraining> | null;
  milliseconds = 0;

  constructor({ method, epochs }: EvaluationJob) {
    const averaging = averagingOf(method);
    this.average = averaging === null ? null : averageTraining(averaging, epochs);
  }

  /** The hooks of the average, on the clock. */
  callbacks(): TrainCallback[] {
    if (this.average === null) return [];
    const started = { at: 0 };
    const begin = async () => {
      started.at = performance.now();
    };
    const end = async () => {
      this.milliseconds += performance.now() - started.at;
    };
    return [{ onBatchEnd: begin }, this.average.callback, { onBatchEnd: end }];
  }
}

/**
 * Trains a network on the engine that is open, once for all jobs. Initial weights and batches depend on task and seed alone. The
 * seconds of a job are those that its training takes without the averages and validations of the others.
 *
 * @param jobs at least one; they differ only in the average that is validated (sharedTrainings.ts).
 * @param out output directory of the evaluation; sampled trajectories go there.
 * @param imagesDirectory directory of the image datasets; undefined: the default.
 * @returns a record for each job.
 * @throws MissingFileError when images or nowcaster are not there; `signal.reason` when aborted.
 */
export async function trainRun(
  jobs: readonly EvaluationJob[],
  engine: Pick<Engine, 'description'>,
  out: string,
  imagesDirectory: string | undefined,
  { inputs = out, ...hooks }: TrainRunHooks = {},
): Promise<RunRecord[]> {
  const [job] = jobs;
  const task = findTask(job.task);
  const data = await loadDataset(task.data, {
    trainExamples: job.trainExamples ?? undefined,
    validationExamples: job.validationExamples ?? undefined,
    directory: imagesDirectory,
  });
  await warmUp(task, data, job);
  const batches = shuffledBatches(data.train, job.batchSize, job.seed);
  const method = (await findMethod(job.method.type).train?.(job.method, { job, inputs, batches })) ?? {};
  const validations = jobs.map((one) => new Validation(one));
  const weights = validations.map(
    ({ average }) => average?.validationWeights ?? method.validationWeights?.bind(method) ?? null,
  );
  const samples = jobs.map((one) => new TrajectorySample(out, one));
  const seconds: number[][] = jobs.map(() => []);
  let started = 0;
  const clock = {
    onTrainBegin: () => {
      started = performance.now();
    },
    onEpochEnd: () => {
      const sampling = samples.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
      const all = validations.reduce((sum, { milliseconds }) => sum + milliseconds, 0);
      const shared = performance.now() - started - sampling - all;
      for (const [j, { milliseconds }] of validations.entries()) seconds[j].push((shared + milliseconds) / 1000);
    },
  };
  try {
    const { history, otherHistories, diverged, epochs } = await trainTask({
      task,
      data,
      seed: job.seed,
      epochs: job.epochs,
      batchSize: job.batchSize,
      epochExamples: job.epochExamples ?? undefined,
      optimizer: job.optimizer,
      callbacks: [
        ...samples,
        ...(method.callback === undefined ? [] : [method.callback]),
        ...validations.flatMap((validation) => validation.callbacks()),
        clock,
      ],
      validationWeights: weights[0] ?? undefined,
      otherValidations: weights.slice(1),
      onValidated: (v, milliseconds) => {
        validations[v].milliseconds += milliseconds;
      },
      ...hooks,
    });
    // A training that is aborted at the end of an epoch finishes cleanly, but is incomplete.
    if (epochs < job.epochs && !diverged) hooks.signal?.throwIfAborted();
    for (const sample of samples) await sample.finish(diverged ? 'diverged' : 'complete');
    return jobs.map((one, j) => ({
      schemaVersion: EVALUATION_SCHEMA_VERSION,
      toolkitVersion: TOOLKIT_VERSION,
      ...one,
      engineDescription: engine.description,
      status: diverged ? 'diverged' : 'complete',
      metrics: Object.fromEntries(
        Object.entries([history, ...otherHistories][j]).map(([name, values]) => [name, values.map(finiteOrNull)]),
      ),
      seconds: seconds[j],
      nowcasts: [...(method.nowcasts?.() ?? [])],
    }));
  } finally {
    await method.dispose?.();
    for (const { average } of validations) await average?.dispose();
  }
}
