// Runs as jobs: what executors and shards need to know of them.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { isEngineRequest } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import { quoteValue } from '../formats/parseJson.js';
import { type JobKind, limitThreads } from '../jobs/index.js';
import { completeOptimizer } from '../tasks/optimizer.js';
import { findTask } from '../tasks/task.js';
import { requireCadence } from '../trajectory/cadence.js';
import { MANIFEST_FILE, RUN_PREFIX, runDirectory } from '../trajectory/manifest.js';
import { isFinished, readManifest } from '../trajectory/runReader.js';
import { requireScalarsPerTensor } from '../trajectory/sampling.js';
import type { OptimizerInfo, RunManifest } from '../trajectory/schema.js';
import { WIDTH } from '../zoo/options.js';
import { idOf, type PlannedRun, settleAugmentation } from './plan.js';
import type { RecordJob } from './worker.js';

/** Numbers of a run that comes from a queue, at most: more would fill disks or memory by mistake or by malice. */
const LIMITS = { index: 1e9, epochs: 1e6, seed: 2 ** 32, batchSize: 1e6, examples: 1e9 };

/** The manifest of a run of a store; undefined when there is none. */
export function findRun(store: string, id: string): RunManifest | undefined {
  const directory = runDirectory(store, id);
  return existsSync(join(directory, MANIFEST_FILE)) ? readManifest(directory) : undefined;
}

/** Recordings of runs. */
export const collectJobs: JobKind<RecordJob> = {
  name: 'collect',
  entry: new URL('./worker.js', import.meta.url),
  env: limitThreads,
  isDone: (store, id) => isFinished(findRun(store, id)?.status ?? 'recording'),
  outputsOf: (id) => [`${RUN_PREFIX}${id}`],
  unitsOf: ({ run }) => run.epochs,
  unit: 'epochs',
  rateUnit: 'images',
  pack: ({ run, engine }) => ({ run, engine }),
  unpack(data, id, { staging, engine, adapter, images }) {
    const { run, engine: planned } = (data ?? {}) as { run?: unknown; engine?: unknown };
    if (!isEngineRequest(planned)) throw wrong('engine', planned);
    return {
      store: staging,
      run: checkRun(run, id),
      engine: planned === 'auto' ? (engine ?? planned) : planned,
      adapter,
      images,
    };
  },
};

function wrong(field: string, value: unknown): UsageError {
  return new UsageError({
    what: `refused run: impossible ${field}`,
    where: quoteValue(value),
    remedy: 'plan it with `wnn collect`',
  });
}

/**
 * A run that may come from anyone.
 *
 * @throws {@link UsageError} unless a plan could have made it, and its id is that of its settings.
 */
function checkRun(value: unknown, id: string): PlannedRun {
  if (typeof value !== 'object' || value === null) throw wrong('run', value);
  const run = value as PlannedRun;
  const whole = (field: keyof PlannedRun, most: number, least = 1) => {
    const number = run[field];
    if (!(Number.isSafeInteger(number) && (number as number) >= least && (number as number) <= most))
      throw wrong(field, number);
  };
  if (typeof run.task !== 'string' || findTask(run.task).name !== run.task) throw wrong('task', run.task);
  whole('index', LIMITS.index, 0);
  whole('epochs', LIMITS.epochs);
  whole('seed', LIMITS.seed, 0);
  whole('batchSize', LIMITS.batchSize);
  if (run.trainExamples !== null) whole('trainExamples', LIMITS.examples);
  if (run.epochExamples !== undefined) whole('epochExamples', LIMITS.examples);
  if (run.validationExamples !== null) whole('validationExamples', LIMITS.examples);
  if (!isDeepStrictEqual(requireCadence(run.cadence, `run ${id}`), run.cadence)) throw wrong('cadence', run.cadence);
  if (run.scalarsPerTensor !== undefined) requireScalarsPerTensor(run.scalarsPerTensor, `run ${id}`);
  if (!(typeof run.width === 'number' && run.width >= WIDTH.least && run.width <= WIDTH.most))
    throw wrong('width', run.width);
  const { optimizer, augmentation } = run;
  if (
    typeof optimizer !== 'object' ||
    optimizer === null ||
    !isDeepStrictEqual(completeOptimizer(optimizer as OptimizerInfo), optimizer)
  )
    throw wrong('optimizer', optimizer);
  if (augmentation !== null && !isDeepStrictEqual(settleAugmentation(augmentation), augmentation))
    throw wrong('augmentation', augmentation);
  const { id: own, ...settings } = run;
  if (own !== id || idOf(settings) !== id) throw wrong('id', own);
  return run;
}
