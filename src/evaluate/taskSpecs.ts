// From the options of an evaluation to its tasks, each with the settings of its trainings.

import { UsageError } from '../errors.js';
import type { EvaluationResults, TaskSettings } from '../evaluation/schema.js';
import { completeOptimizer } from '../tasks/optimizer.js';
import { findTask } from '../tasks/task.js';
import type { EvaluateOptions } from './options.js';
import type { TaskSpec } from './plan.js';

/** The tasks of an evaluation, and those that it has to leave out. */
export interface ChosenTasks {
  tasks: TaskSpec[];
  missing: EvaluationResults['missingTasks'];
}

function requireWhole(name: string, value: number | null): void {
  if (value === null || (Number.isInteger(value) && value > 0)) return;
  throw new UsageError({ what: `${name} must be a whole number from 1`, where: String(value), remedy: 'correct it' });
}

/**
 * The tasks of an evaluation.
 *
 * @throws {@link UsageError} for unknown tasks and impossible numbers.
 */
export function taskSpecs(choice: EvaluateOptions): ChosenTasks {
  const { tasks = [] } = choice;
  if (tasks.length === 0) throw new UsageError({ what: 'no tasks', where: 'tasks', remedy: 'name at least one' });
  const settings: TaskSettings = {
    epochs: choice.epochs ?? 20,
    batchSize: choice.batchSize ?? 128,
    optimizer: completeOptimizer(choice.optimizer ?? { name: 'adam', learningRate: 0.001 }),
    trainExamples: choice.trainExamples ?? null,
    validationExamples: choice.validationExamples ?? null,
  };
  const { epochs, batchSize, trainExamples, validationExamples } = settings;
  for (const [name, value] of Object.entries({ epochs, batchSize, trainExamples, validationExamples }))
    requireWhole(name, value);
  const names = [...new Set(tasks.map((name) => findTask(name).name))];
  return { tasks: names.map((name) => ({ task: findTask(name), settings })), missing: [] };
}
