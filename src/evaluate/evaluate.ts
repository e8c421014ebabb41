// The evaluate stage: plans the runs, trains the missing ones in worker processes, compares them and writes results.json.

import { join } from 'node:path';
import { writeJsonAtomic } from '../atomic.js';
import type { EngineRequest } from '../engine/engine.js';
import { InsufficientDataError } from '../errors.js';
import { readRunRecord, runsDirectory } from '../evaluation/files.js';
import {
  type DescribedMethod,
  EVALUATION_SCHEMA_VERSION,
  type EvaluationForecasts,
  type EvaluationJob,
  type EvaluationResults,
  FORECASTS_NAME,
  type Method,
  RESULTS_NAME,
  type RunRecord,
} from '../evaluation/schema.js';
import { clearLeftovers } from '../files/temporary.js';
import { type Job, type JobExecutor, processExecutor, type Shard, takeShard } from '../jobs/index.js';
import type { NoteListener, ProgressListener } from '../progress.js';
import type { OptimizerInfo } from '../trajectory/schema.js';
import { TOOLKIT_VERSION } from '../version.js';
import { measureForecasts } from './forecastErrors.js';
import { evaluateJobs } from './jobKind.js';
import { completeMethods, describeMethods, findMethod, loadMethodModules } from './methods/registry.js';
import { planJobs } from './plan.js';
import { summarize } from './summary.js';
import { sampleStore } from './trajectorySample.js';
import type { WorkerSpec } from './worker.js';

/** Options of {@link evaluate}. */
export interface EvaluateOptions {
  /** Directory for `results.json`, `forecasts.json`, `runs/` and `trajectories/`. Finished runs there are kept. */
  out: string;
  /** Tasks to train, e.g. `mnist/cnn`. */
  tasks: readonly string[];
  /** Seeds of initial weights and batches; the same for all methods. */
  seeds: readonly number[];
  /** Methods to compare with plain training, which is always included; see parseMethod. */
  methods: readonly Method[];
  /**
   * Paths of ES modules whose default exports are methods from outside of the toolkit (MethodDefinition). All worker processes
   * of this machine import them; a queue's workers do not. Default: none.
   */
  methodModules?: readonly string[];
  /** Epochs of each run. */
  epochs: number;
  /** Examples per batch. Default 128. */
  batchSize?: number;
  /** Optimizer of all runs, which methods may change. Default: Adam, learning rate 0.001. */
  optimizer?: OptimizerInfo;
  /**
   * Average to validate in the place of the trained weights, in all methods (plain included) that have none of their own:
   * `ema:0.99`, `lawa:5` or `swa:0.75`. Default: the trained weights are validated.
   */
  validate?: string;
  /** Training examples, drawn at random. Default: all of the task's. */
  trainExamples?: number;
  /** Validation examples, drawn at random. Default: all of the task's. */
  validationExamples?: number;
  /** Target values of validation accuracy, in addition to plain's best. Default: none. */
  targets?: readonly number[];
  /** Epoch after which plain's new bests count for the second measure. Default: 40% of the epochs. */
  newBestsAfter?: number;
  /** Compute engine. Default `auto`. */
  engine?: EngineRequest;
  /** For webgpu: the GPU to use, or a part of its name. Default: the system default. */
  adapter?: string;
  /** Worker processes; not with an `executor`. Default: one per core, at most one per run. */
  workers?: number;
  /** Executor of the trainings, e.g. a `queueExecutor`. Default: `workers` processes of this machine. */
  executor?: JobExecutor;
  /** Directory of the image datasets. Default: that of `wnn data`. */
  images?: string;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  /** Aborts the evaluation; finished runs are kept. */
  signal?: AbortSignal;
}

/** Result of {@link evaluate}. */
export interface EvaluateResult extends EvaluationResults {
  /** Path of `results.json`. */
  file: string;
  /** Numbers of runs trained now, and of existing runs. */
  trained: number;
  kept: number;
}

/** Trains the jobs that have no record yet, and returns all records. */
async function completeRuns(
  jobs: readonly EvaluationJob[],
  options: EvaluateOptions,
): Promise<{ records: Map<string, RunRecord>; trained: number; failed: string[] }> {
  const { out, images, adapter, workers, executor = processExecutor({ workers }) } = options;
  const { methodModules, onProgress, onNote, signal } = options;
  const records = new Map<string, RunRecord>();
  const keep = (id: string) => {
    const record = readRunRecord(out, id);
    if (record !== null) records.set(id, record);
    return record !== null;
  };
  const missing = jobs.filter(({ id }) => !keep(id));
  const failed: string[] = [];
  const list = missing.map((job): Job<WorkerSpec> => {
    return { id: job.id, spec: { job, out, inputs: out, engine: job.engine, adapter, images, methodModules } };
  });
  const unitsBefore = jobs.filter(({ id }) => records.has(id)).reduce((sum, { epochs }) => sum + epochs, 0);
  const work = { kind: evaluateJobs, directory: out, jobs: list, unitsBefore };
  const outcomes = await executor.execute<WorkerSpec, null>({ ...work, onProgress, onNote, signal });
  signal?.throwIfAborted();
  for (const { job, status } of outcomes) if (status !== 'done' || !keep(job.id)) failed.push(job.id);
  return { records, trained: missing.length - failed.length, failed };
}

/** An evaluation that is ready for training. */
interface PreparedEvaluation {
  methods: DescribedMethod[];
  jobs: EvaluationJob[];
  /** The options with whole addresses of the modules. */
  options: EvaluateOptions;
}

/** Plans the trainings of an evaluation, and prepares its methods. */
async function prepareEvaluation(given: EvaluateOptions): Promise<PreparedEvaluation> {
  const options = { ...given, methodModules: await loadMethodModules(given.methodModules ?? []) };
  const methods = completeMethods(options.methods, options.validate);
  for (const directory of [options.out, runsDirectory(options.out), sampleStore(options.out)])
    clearLeftovers(directory);
  const jobs = planJobs({
    ...options,
    methods,
    batchSize: options.batchSize ?? 128,
    optimizer: options.optimizer ?? { name: 'adam', learningRate: 0.001 },
    engine: options.engine ?? 'auto',
  });
  const described = await describeMethods(methods);
  for (const method of methods) await findMethod(method.type).prepare?.(method, options);
  return { methods: described, jobs, options };
}

/** Result of {@link evaluateShard}. */
export interface EvaluateShardResult {
  out: string;
  /** Trainings of the whole evaluation, and how many have no result yet. */
  runs: number;
  missing: number;
  /** Runs of the shard that were trained now, and that were there already. */
  trained: number;
  kept: number;
  /** Ids of runs of the shard that failed. */
  failed: string[];
}

/**
 * Runs the trainings of one shard of an evaluation without a comparison. When all shards are finished, {@link evaluate}
 * with the same options compares.
 *
 * @throws as {@link evaluate}, and {@link UsageError} when there is no such shard.
 */
export async function evaluateShard(given: EvaluateOptions, shard: Shard): Promise<EvaluateShardResult> {
  const { jobs, options } = await prepareEvaluation(given);
  const own = takeShard(jobs, shard);
  const { trained, failed } = await completeRuns(own, options);
  const missing = jobs.filter(({ id }) => !evaluateJobs.isDone(options.out, id)).length;
  return { out: options.out, runs: jobs.length, missing, trained, kept: own.length - trained - failed.length, failed };
}

/**
 * Trains every task with every seed by every method, from the same initial weights on the same batches, and compares.
 * Continues where an earlier call with the same settings stopped.
 *
 * @throws {@link UsageError} for impossible settings, MissingFileError for images or nowcasters that are not there,
 * {@link InsufficientDataError} when no plain training finished; `signal.reason` when aborted.
 */
export async function evaluate(given: EvaluateOptions): Promise<EvaluateResult> {
  const { methods, jobs, options } = await prepareEvaluation(given);
  const { out, targets = [], epochs, methodModules = [] } = options;
  const { newBestsAfter = Math.round(0.4 * epochs) } = options;
  const { records, trained, failed } = await completeRuns(jobs, options);
  for (const id of failed) options.onNote?.(`${id} has no result; run the same command to try it again`);
  const baselineRuns = jobs.filter(({ id, method }) => method.name === methods[0].name && records.has(id));
  if (baselineRuns.length === 0)
    throw new InsufficientDataError({
      what: 'no plain training finished, so there is nothing to compare with',
      where: out,
      remedy: 'run the same command again',
    });
  const { batchSize, optimizer, trainExamples, validationExamples } = jobs[0];
  const tasks: EvaluationResults['tasks'] = [];
  const forecasts: EvaluationForecasts = { schemaVersion: EVALUATION_SCHEMA_VERSION, tasks: [] };
  for (const summary of summarize(jobs, records, { targets, newBestsAfter })) {
    const ids = baselineRuns.filter(({ task }) => task === summary.task).map(({ id }) => id);
    const { errors, examples } = await measureForecasts(out, ids, methods);
    tasks.push({ ...summary, forecastErrors: errors });
    forecasts.tasks.push({ task: summary.task, examples });
  }
  const results: EvaluationResults = {
    schemaVersion: EVALUATION_SCHEMA_VERSION,
    toolkitVersion: TOOLKIT_VERSION,
    settings: {
      epochs,
      batchSize,
      optimizer,
      trainExamples,
      validationExamples,
      targets: [...targets],
      newBestsAfter,
    },
    methods,
    methodModules: [...methodModules],
    tasks,
    runs: jobs.filter(({ id }) => records.has(id)).map(({ id }) => id),
  };
  writeJsonAtomic(join(out, FORECASTS_NAME), forecasts);
  const file = join(out, RESULTS_NAME);
  writeJsonAtomic(file, results);
  return { ...results, file, trained, kept: records.size - trained };
}
