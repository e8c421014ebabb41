// Trainings of an evaluation as jobs: what executors and shards need to know of them.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isEngineRequest } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import { readRunRecord } from '../evaluation/files.js';
import type { EvaluationJob, Method } from '../evaluation/schema.js';
import type { JobKind, JobPlaces } from '../jobs/index.js';
import { NOWCASTER_MANIFEST_NAME } from '../nowcaster/nowcaster.js';
import { completeOptimizer } from '../tasks/optimizer.js';
import { findTask } from '../tasks/task.js';
import { RUN_PREFIX } from '../trajectory/manifest.js';
import { CURVE_NAMES } from './curves/index.js';
import { nowcasterMethod } from './methods.js';
import { idOf } from './plan.js';
import { SAMPLE_STORE } from './trajectorySample.js';
import type { WorkerSpec } from './worker.js';

/** Numbers of a training that comes from a queue, at most. */
const LIMITS = { seed: Number.MAX_SAFE_INTEGER, epochs: 1e6, batchSize: 1e6, examples: 1e9, jumps: 1000 };

/** Trainings with one method each. */
export const evaluateJobs: JobKind<WorkerSpec> = {
  name: 'evaluate',
  entry: new URL('./worker.js', import.meta.url),
  isDone: (out, id) => readRunRecord(out, id) !== null,
  // The record comes last: when it is there, so is the sampled trajectory.
  outputsOf: (id) => [`${SAMPLE_STORE}/${RUN_PREFIX}${id}`, `runs/${id}.json`],
  unitsOf: ({ job }) => job.epochs,
  unit: 'epochs',
  rateUnit: 'examples',
  pack: ({ job }, share) => ({ ...job, method: packMethod(job.method, share) }),
  unpack(data, id, places) {
    const job = checkJob(data, id, places);
    const engine = job.engine === 'auto' ? (places.engine ?? 'auto') : job.engine;
    const { staging, directory, adapter, images } = places;
    return { job, out: staging, inputs: directory, engine, adapter, images };
  },
};

function packMethod(method: Method, share: (path: string) => string): Method {
  if (method.type === 'nowcaster') return { ...method, directory: share(method.directory) };
  if (method.type === 'introspection') return { ...method, store: share(method.store) };
  return method;
}

function wrong(field: string, value: unknown): UsageError {
  const text = JSON.stringify(value) ?? 'undefined';
  return new UsageError({
    what: `refused training: impossible ${field}`,
    where: text.slice(0, 100),
    remedy: 'plan it with `wnn evaluate`',
  });
}

/**
 * A job that may come from anyone.
 *
 * @throws {@link UsageError} unless a plan could have made it, and its id is that of its settings.
 */
function checkJob(value: unknown, id: string, places: JobPlaces): EvaluationJob {
  if (typeof value !== 'object' || value === null) throw wrong('job', value);
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
  if (typeof job.guard !== 'boolean') throw wrong('guard', job.guard);
  if (!isEngineRequest(job.engine)) throw wrong('engine', job.engine);
  if (typeof job.optimizer !== 'object' || !isDeepStrictEqual(completeOptimizer(job.optimizer), job.optimizer))
    throw wrong('optimizer', job.optimizer);
  const { id: own, ...settings } = { ...job, method: checkMethod(job.method, places) };
  if (own !== id || idOf(settings) !== id) throw wrong('id', own);
  return { id, ...settings };
}

function checkMethod(method: Method, { directory: out, resolve }: JobPlaces): Method {
  const named = typeof method === 'object' && method !== null && /^\w[\w.-]{0,99}$/.test(method.name);
  if (!named) throw wrong('method', method);
  switch (method.type) {
    case 'plain':
      if (method.name !== 'plain') throw wrong('method', method);
      return method;
    case 'curve':
      if (!CURVE_NAMES.includes(method.name as never)) throw wrong('method', method);
      return method;
    case 'introspection': {
      const { contentHash, jumps } = method;
      const plain = typeof contentHash === 'string' && /^[0-9a-f]{64}$/.test(contentHash);
      const short = Array.isArray(jumps) && jumps.length <= LIMITS.jumps;
      if (!plain || !short || !jumps.every((jump) => Number.isSafeInteger(jump) && jump >= 0))
        throw wrong('method', method);
      // The worker reads what the evaluation made of the store, in its own directory.
      return { ...method, store: out };
    }
    case 'nowcaster': {
      const directory = resolve(method.directory);
      if (!existsSync(join(directory, NOWCASTER_MANIFEST_NAME))) throw wrong('nowcaster', method.directory);
      const own = nowcasterMethod(`${method.name}=${directory}`);
      if (own.type !== 'nowcaster' || own.contentHash !== method.contentHash)
        throw wrong('nowcaster (its files are not those of the plan)', method.directory);
      return { ...method, directory };
    }
    default:
      method satisfies never;
      throw wrong('method', method);
  }
}
