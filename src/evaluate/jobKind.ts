// The job kind of the evaluate stage: one job is one training.

import { isDeepStrictEqual } from 'node:util';
import { isEngineRequest } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import { readRunRecord } from '../evaluation/files.js';
import type { EvaluationJob } from '../evaluation/schema.js';
import { quoteValue } from '../formats/parseJson.js';
import { type JobKind, type JobPlaces, limitThreads } from '../jobs/index.js';
import { completeOptimizer } from '../tasks/optimizer.js';
import { findTask } from '../tasks/task.js';
import { RUN_PREFIX } from '../trajectory/manifest.js';
import { packMethod, unpackMethod } from './methods/packing.js';
import { idOf } from './plan.js';
import { SAMPLE_STORE } from './trajectorySample.js';
import type { WorkerSpec } from './worker.js';

/** Upper limits for trainings from a queue. */
const LIMITS = { seed: Number.MAX_SAFE_INTEGER, epochs: 1e6, batchSize: 1e6, examples: 1e9 };

/** Trainings with one method each. */
export const evaluateJobs: JobKind<WorkerSpec> = {
  name: 'evaluate',
  entry: new URL('./worker.js', import.meta.url),
  isDone: (out, id) => readRunRecord(out, id) !== null,
  // The record comes last: when it is there, so is the sampled trajectory.
  outputsOf: (id) => [`${SAMPLE_STORE}/${RUN_PREFIX}${id}`, `runs/${id}.json`],
  unitsOf: ({ job, others }) => job.epochs * (1 + others.length),
  unit: 'epochs',
  rateUnit: 'examples',
  env: limitThreads,
  pack: ({ job }, share) => ({ ...job, method: packMethod(job.method, share) }),
  unpack(data, id, places) {
    const job = checkJob(data, id, places);
    const engine = job.engine === 'auto' ? (places.engine ?? 'auto') : job.engine;
    const { staging, directory, adapter, images } = places;
    return { job, others: [], out: staging, inputs: directory, engine, adapter, images };
  },
};

/** Allowed fields of a job; in particular, no code may come from a queue. */
const FIELDS: ReadonlySet<string> = new Set<keyof EvaluationJob>([
  'id',
  'task',
  'seed',
  'method',
  'epochs',
  'batchSize',
  'optimizer',
  'trainExamples',
  'validationExamples',
  'epochExamples',
  'engine',
  'alone',
]);

function wrong(field: string, value: unknown): UsageError {
  return new UsageError({
    what: `refused training: impossible ${field}`,
    where: quoteValue(value),
    remedy: 'plan it with `wnn evaluate`',
  });
}

/**
 * Validates an untrusted job.
 *
 * @throws {@link UsageError} unless a plan could have produced it and its id matches its settings.
 */
function checkJob(value: unknown, id: string, places: JobPlaces): EvaluationJob {
  if (typeof value !== 'object' || value === null) throw wrong('job', value);
  for (const [field, content] of Object.entries(value))
    if (!FIELDS.has(field)) throw wrong(`field ${field.slice(0, 40)}`, content);
  const job = value as EvaluationJob;
  const whole = (field: keyof EvaluationJob, most: number, least = 1) => {
    const number = job[field];
    if (!(Number.isSafeInteger(number) && (number as number) >= least && (number as number) <= most))
      throw wrong(field, number);
  };
  if (typeof job.task !== 'string' || findTask(job.task).name !== job.task) throw wrong('task', job.task);
  whole('seed', LIMITS.seed, 0);
  whole('epochs', LIMITS.epochs);
  whole('batchSize', LIMITS.batchSize);
  if (job.trainExamples !== null) whole('trainExamples', LIMITS.examples);
  if (job.validationExamples !== null) whole('validationExamples', LIMITS.examples);
  if (job.epochExamples !== null) whole('epochExamples', LIMITS.examples);
  if (typeof job.alone !== 'boolean') throw wrong('alone', job.alone);
  if (!isEngineRequest(job.engine)) throw wrong('engine', job.engine);
  if (
    typeof job.optimizer !== 'object' ||
    job.optimizer === null ||
    !isDeepStrictEqual(completeOptimizer(job.optimizer), job.optimizer)
  )
    throw wrong('optimizer', job.optimizer);
  const method = unpackMethod(job.method, places.resolve);
  if (method === null) throw wrong('method', job.method);
  const { id: own, ...settings } = { ...job, method };
  if (own !== id || idOf(settings) !== id) throw wrong('id', own);
  return { id, ...settings };
}
