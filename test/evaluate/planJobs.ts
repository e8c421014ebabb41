// Plans of untuned evaluations whose tasks have the same settings.

import type { EngineRequest } from '../../src/engine/engine.js';
import { completeMethods } from '../../src/evaluate/methods/registry.js';
import { jobsOf, type PlannedTask, planTask } from '../../src/evaluate/plan.js';
import { taskSpecs } from '../../src/evaluate/taskSpecs.js';
import { untuned } from '../../src/evaluate/tuning/trials.js';
import type { EvaluationJob, Method } from '../../src/evaluation/schema.js';
import type { OptimizerInfo } from '../../src/trajectory/schema.js';

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
  alone?: boolean;
}

/** The plan, the baseline among its methods. */
export function planTasks(options: PlanOptions): PlannedTask[] {
  const { seeds, engine, alone = false } = options;
  const methods = completeMethods(options.methods);
  return taskSpecs({ ...options, out: '' }).tasks.map((spec) =>
    planTask(
      spec,
      methods.map((method) => untuned(spec, method)),
      seeds,
      { engine, alone },
    ),
  );
}

/** Its jobs. */
export function planJobs(options: PlanOptions): EvaluationJob[] {
  return jobsOf(planTasks(options));
}
