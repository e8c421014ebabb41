// From the options of an evaluation to its jobs: tasks x seeds x methods, each with an id made from its settings.

import { createHash } from 'node:crypto';
import type { EngineRequest } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import type { EvaluationJob, Method } from '../evaluation/schema.js';
import { completeOptimizer } from '../tasks/optimizer.js';
import { findTask, taskSlug } from '../tasks/task.js';
import type { OptimizerInfo } from '../trajectory/schema.js';
import { identityOf } from './methods/packing.js';
import { completeMethods, optimizerOf } from './methods/registry.js';

/** What to compare; see {@link EvaluateOptions} for the meaning of each. */
export interface PlanOptions {
  tasks: readonly string[];
  seeds: readonly number[];
  methods: readonly Method[];
  epochs: number;
  batchSize: number;
  optimizer: OptimizerInfo;
  trainExamples?: number;
  validationExamples?: number;
  engine: EngineRequest;
}

function requireWhole(name: string, value: number | undefined): void {
  if (value === undefined || (Number.isInteger(value) && value > 0)) return;
  throw new UsageError({ what: `${name} must be a whole number from 1`, where: String(value), remedy: 'correct it' });
}

function requireSome(name: string, values: readonly unknown[]): void {
  if (values.length === 0) throw new UsageError({ what: `no ${name}`, where: name, remedy: `name at least one` });
}

/** The job's id: readable parts and a hash of everything that decides its results. */
export function idOf(job: Omit<EvaluationJob, 'id'>): string {
  const hash = createHash('sha256').update(JSON.stringify({ ...job, method: identityOf(job.method) }));
  return [taskSlug(job.task), job.method.name, `s${job.seed}`, hash.digest('hex').slice(0, 8)].join('_');
}

/**
 * The jobs of an evaluation, a task's seeds together and the baseline first, so that comparisons can be made early.
 *
 * @throws {@link UsageError} for unknown tasks and impossible numbers.
 */
export function planJobs(options: PlanOptions): EvaluationJob[] {
  const { seeds, epochs, batchSize, trainExamples, validationExamples, engine } = options;
  requireSome('tasks', options.tasks);
  requireSome('seeds', seeds);
  requireWhole('epochs', epochs);
  requireWhole('batchSize', batchSize);
  requireWhole('trainExamples', trainExamples);
  requireWhole('validationExamples', validationExamples);
  for (const seed of seeds)
    if (!Number.isSafeInteger(seed) || seed < 0)
      throw new UsageError({ what: 'not a seed', where: String(seed), remedy: 'give whole numbers from 0' });
  const methods = completeMethods(options.methods);
  const tasks = [...new Set(options.tasks.map((name) => findTask(name).name))];
  const jobs: EvaluationJob[] = [];
  for (const task of tasks)
    for (const seed of new Set(seeds))
      for (const method of methods) {
        const settings = {
          task,
          seed,
          method,
          epochs,
          batchSize,
          optimizer: completeOptimizer(optimizerOf(method, options.optimizer)),
          trainExamples: trainExamples ?? null,
          validationExamples: validationExamples ?? null,
          engine,
        };
        jobs.push({ id: idOf(settings), ...settings });
      }
  return jobs;
}
