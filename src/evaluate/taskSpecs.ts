// From the options of an evaluation to its tasks, each with the settings of its trainings: a suite's, or the same for all.

import { join } from 'node:path';
import { InsufficientDataError, MissingFileError, UsageError } from '../errors.js';
import type { EvaluationResults, TaskSettings } from '../evaluation/schema.js';
import { unknownName } from '../nearestName.js';
import { findDataSource, imagesDirectory } from '../tasks/dataset.js';
import { completeOptimizer } from '../tasks/optimizer.js';
import { findSuite, type SuiteEntry } from '../tasks/suites/index.js';
import { findTask, type Task } from '../tasks/task.js';
import type { EvaluateOptions } from './options.js';
import type { TaskSpec } from './plan.js';

/** The settings where neither the suite nor the options have one. */
const DEFAULTS = { epochs: 20, batchSize: 128, optimizer: { name: 'adam', learningRate: 0.001 } };

/** The tasks of an evaluation, and those that it has to leave out. */
export interface ChosenTasks {
  tasks: TaskSpec[];
  missing: EvaluationResults['missingTasks'];
}

/** A number from the options, the suite or the defaults, in that order; null where there is none. */
function wholeOf(name: keyof TaskSettings, ...candidates: (number | undefined)[]): number | null {
  const value = candidates.find((candidate) => candidate !== undefined);
  if (value === undefined) return null;
  if (Number.isInteger(value) && value > 0) return value;
  throw new UsageError({
    what: `${name} must be a whole number from 1`,
    where: String(value),
    remedy: 'give 1 or more',
  });
}

function settingsOf(options: EvaluateOptions, entry?: SuiteEntry): TaskSettings {
  return {
    epochs: wholeOf('epochs', options.epochs, entry?.epochs, DEFAULTS.epochs)!,
    batchSize: wholeOf('batchSize', options.batchSize, entry?.batchSize, DEFAULTS.batchSize)!,
    optimizer: completeOptimizer(options.optimizer ?? entry?.optimizer ?? DEFAULTS.optimizer),
    trainExamples: wholeOf('trainExamples', options.trainExamples, entry?.trainExamples),
    validationExamples: wholeOf('validationExamples', options.validationExamples, entry?.validationExamples),
    epochExamples: wholeOf('epochExamples', options.epochExamples, entry?.epochExamples),
  };
}

/** Looks for a task's dataset. @throws {@link MissingFileError} */
function locateData({ data }: Task, images = imagesDirectory()): void {
  findDataSource(data).locate(join(images, data));
}

/** Why a task's dataset cannot be read; null when its files exist. */
function missingData(task: Task, images?: string): string | null {
  try {
    locateData(task, images);
    return null;
  } catch (error) {
    if (error instanceof MissingFileError) return `no dataset ${task.data}; get it with \`wnn data get ${task.data}\``;
    throw error;
  }
}

function suiteTasks(options: EvaluateOptions, suiteName: string, isLocal: boolean): ChosenTasks {
  const suite = findSuite(suiteName);
  const names = suite.entries.map(({ task }) => findTask(task).name);
  const asked = options.tasks?.map((name) => findTask(name).name) ?? names;
  for (const name of asked)
    if (!names.includes(name)) throw unknownName(`task of the suite ${suite.name}`, name, names);
  const chosen: ChosenTasks = { tasks: [], missing: [] };
  for (const entry of suite.entries) {
    const task = findTask(entry.task);
    if (!asked.includes(task.name)) continue;
    // Other machines have datasets of their own.
    const reason = isLocal ? missingData(task, options.images) : null;
    if (reason === null) chosen.tasks.push({ task, settings: settingsOf(options, entry) });
    else chosen.missing.push({ task: task.name, reason });
  }
  if (chosen.tasks.length > 0) return chosen;
  throw new InsufficientDataError({
    what: `no task of the suite ${suite.name} has its dataset here`,
    where: options.images ?? imagesDirectory(),
    remedy: [...new Set(chosen.missing.map(({ reason }) => reason))].join('; '),
  });
}

/**
 * The tasks of an evaluation. Tasks of a suite whose dataset is not on this machine are left out.
 *
 * @param isLocal whether trainings run on this machine.
 * @throws {@link UsageError} for unknown tasks and suites, and impossible numbers; {@link MissingFileError} when the dataset of a
 * task that was named is not here; {@link InsufficientDataError} when no task of a suite is left.
 */
export function taskSpecs(options: EvaluateOptions, isLocal = true): ChosenTasks {
  const { suite, tasks = [] } = options;
  if (suite !== undefined) return suiteTasks(options, suite, isLocal);
  if (tasks.length === 0) throw new UsageError({ what: 'no tasks', where: 'tasks', remedy: 'name at least one' });
  const names = [...new Set(tasks.map((name) => findTask(name).name))];
  const specs = names.map((name) => ({ task: findTask(name), settings: settingsOf(options) }));
  if (isLocal) for (const { task } of specs) locateData(task, options.images);
  return { tasks: specs, missing: [] };
}
