// Trains the runs of a plan that have no record yet, wherever the executor runs them.

import { readRunRecord } from '../evaluation/files.js';
import type { EvaluationJob, RunRecord } from '../evaluation/schema.js';
import { type Job, type JobExecutor, processExecutor } from '../jobs/index.js';
import type { ProgressListener } from '../progress.js';
import { evaluateJobs } from './jobKind.js';
import type { EvaluateOptions } from './options.js';
import { sharedTrainings } from './sharedTrainings.js';
import type { WorkerSpec } from './worker.js';

/** Finished runs. */
export interface CompletedRuns {
  /** All records, by the id of their job. */
  records: Map<string, RunRecord>;
  /** Number of runs trained now. */
  trained: number;
  /** Ids of runs that failed. */
  failed: string[];
}

/** The executor of the options, or processes of this machine. */
export function executorOf({ executor, workers }: EvaluateOptions): JobExecutor {
  return executor ?? processExecutor({ workers });
}

/** Trains the trials of a tuning that have no record yet; as {@link completeRuns}, with a progress of their own. */
export function completeTrials(jobs: readonly EvaluationJob[], options: EvaluateOptions): Promise<CompletedRuns> {
  const onProgress: ProgressListener = (event) => options.onProgress?.({ ...event, task: 'tune' });
  return completeRuns(jobs, { ...options, onProgress });
}

/** Trains the jobs that have no record yet, and returns all records. */
export async function completeRuns(
  jobs: readonly EvaluationJob[],
  options: EvaluateOptions,
  executor = executorOf(options),
): Promise<CompletedRuns> {
  const { out, images, adapter, methodModules, onProgress, onNote, signal } = options;
  if (jobs.length === 0) return { records: new Map(), trained: 0, failed: [] };
  const records = new Map<string, RunRecord>();
  const keep = (id: string) => {
    const record = readRunRecord(out, id);
    if (record !== null) records.set(id, record);
    return record !== null;
  };
  const missing = jobs.filter(({ id }) => !keep(id));
  const failed: string[] = [];
  // A queue knows jobs by their own settings.
  const groups = executor.local ? sharedTrainings(missing) : missing.map((job) => [job]);
  const list = groups.map(([job, ...others]): Job<WorkerSpec> => {
    return { id: job.id, spec: { job, others, out, inputs: out, engine: job.engine, adapter, images, methodModules } };
  });
  const unitsBefore = jobs.filter(({ id }) => records.has(id)).reduce((sum, { epochs }) => sum + epochs, 0);
  const work = { kind: evaluateJobs, directory: out, jobs: list, unitsBefore };
  const outcomes = await executor.execute<WorkerSpec, null>({ ...work, onProgress, onNote, signal });
  signal?.throwIfAborted();
  for (const [g, { status }] of outcomes.entries())
    for (const { id } of groups[g]) if (status !== 'done' || !keep(id)) failed.push(id);
  return { records, trained: missing.length - failed.length, failed };
}
