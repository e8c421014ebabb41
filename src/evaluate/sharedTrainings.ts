// Jobs that one training can serve: they differ in the average that is validated, and in their names.

import type { EvaluationJob } from '../evaluation/schema.js';
import { identityOf } from './methods/packing.js';
import { trainingOf } from './methods/registry.js';

/** What decides a job's training, as a key. */
function trainingKey({ id, ...job }: EvaluationJob): string {
  return JSON.stringify({ ...job, method: identityOf(trainingOf(job.method)) });
}

/**
 * Groups jobs by the training that they need, each group where its first job stood. Jobs whose seconds are to be compared have a
 * training each.
 */
export function sharedTrainings(jobs: readonly EvaluationJob[]): EvaluationJob[][] {
  const groups = new Map<string, EvaluationJob[]>();
  for (const job of jobs) {
    const key = job.alone ? job.id : trainingKey(job);
    groups.set(key, [...(groups.get(key) ?? []), job]);
  }
  return [...groups.values()];
}
