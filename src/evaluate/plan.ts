// The trainings of an evaluation: tasks x seeds x methods, each a job with an id made from its settings.

import { createHash } from 'node:crypto';
import type { EngineRequest } from '../engine/engine.js';
import { UsageError } from '../errors.js';
import type { EvaluationJob, Method, TaskSettings } from '../evaluation/schema.js';
import { completeOptimizer } from '../tasks/optimizer.js';
import { type Task, taskSlug } from '../tasks/task.js';
import type { OptimizerInfo } from '../trajectory/schema.js';
import { identityOf } from './methods/packing.js';

/** A task with the settings of its trainings. */
export interface TaskSpec {
  task: Task;
  settings: TaskSettings;
}

/** A method as it is trained on one task. */
export interface MethodSetting {
  method: Method;
  optimizer: OptimizerInfo;
  /** Factor on the step scale of a nowcaster; null: as it is. */
  stepScale: number | null;
}

/** What all trainings of a plan share. */
export interface SharedSettings {
  engine: EngineRequest;
  /** Whether one training runs at a time. */
  alone: boolean;
}

/** A method's trainings on one task, one a seed in the order of the seeds. */
export interface PlannedMethod extends MethodSetting {
  jobs: EvaluationJob[];
}

/** All trainings on one task. */
export interface PlannedTask extends TaskSpec {
  seeds: number[];
  /** The baseline first. */
  methods: PlannedMethod[];
}

/** The job's id: readable parts and a hash of everything that decides its results. */
export function idOf(job: Omit<EvaluationJob, 'id'>): string {
  const hash = createHash('sha256').update(JSON.stringify({ ...job, method: identityOf(job.method) }));
  return [taskSlug(job.task), job.method.name, `s${job.seed}`, hash.digest('hex').slice(0, 8)].join('_');
}

/**
 * Plans the trainings on one task.
 *
 * @throws {@link UsageError} for impossible seeds and optimizers.
 */
export function planTask(
  { task, settings }: TaskSpec,
  methods: readonly MethodSetting[],
  seeds: readonly number[],
  { engine, alone }: SharedSettings,
): PlannedTask {
  const distinct = [...new Set(seeds)];
  if (distinct.length === 0) throw new UsageError({ what: 'no seeds', where: 'seeds', remedy: 'name at least one' });
  for (const seed of distinct)
    if (!Number.isSafeInteger(seed) || seed < 0)
      throw new UsageError({ what: 'not a seed', where: String(seed), remedy: 'give whole numbers from 0' });
  const planned = methods.map(({ method, optimizer, stepScale }) => ({
    method,
    optimizer: completeOptimizer(optimizer),
    stepScale,
    jobs: distinct.map((seed) => {
      const job = {
        task: task.name,
        seed,
        method,
        ...settings,
        optimizer: completeOptimizer(optimizer),
        engine,
        alone,
      };
      return { id: idOf(job), ...job };
    }),
  }));
  return { task, settings, seeds: distinct, methods: planned };
}

/** The jobs of a plan: a task's seeds together and the baseline first, so that comparisons can be made early. */
export function jobsOf(plan: readonly PlannedTask[]): EvaluationJob[] {
  return plan.flatMap(({ seeds, methods }) => seeds.flatMap((_, i) => methods.map(({ jobs }) => jobs[i])));
}
