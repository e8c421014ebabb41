// Everything of an evaluation that is known before the first training: methods, tasks with their settings, and that nothing
// in the output directory contradicts them.

import { UsageError } from '../errors.js';
import { runsDirectory } from '../evaluation/files.js';
import type { DescribedMethod, EvaluationResults, EvaluationSettings, Method } from '../evaluation/schema.js';
import { clearLeftovers } from '../files/temporary.js';
import { requireOptions } from '../optionTypes.js';
import { requireSameEvaluation } from './earlier.js';
import { completeMethods, describeMethods, findMethod, loadMethodModules } from './methods/registry.js';
import { EVALUATE_OPTIONS, type EvaluateOptions, TUNE_OPTIONS } from './options.js';
import { planTask, type SharedSettings, type TaskSpec } from './plan.js';
import { taskSpecs } from './taskSpecs.js';
import { sampleStore } from './trajectorySample.js';
import { tuningSeeds } from './tuning/grid.js';
import { planTrials, type TuningChoice, untuned } from './tuning/trials.js';

/** An evaluation that is ready for training. */
export interface PreparedEvaluation {
  /** The options with whole addresses of the modules. */
  options: EvaluateOptions;
  settings: EvaluationSettings;
  /** What all trainings share. */
  shared: SharedSettings;
  methods: Method[];
  described: DescribedMethod[];
  tasks: TaskSpec[];
  missingTasks: EvaluationResults['missingTasks'];
  /** How learning rates are tuned; null: not at all. */
  tuning: TuningChoice | null;
}

function requireAlone({ alone = false, workers = 1, executor }: EvaluateOptions): void {
  if (!alone) return;
  if (workers !== 1)
    throw new UsageError({
      what: 'seconds can be compared only where one training runs at a time',
      where: `${workers} workers`,
      remedy: 'leave --workers out, or --seconds',
    });
  if (executor?.local === false)
    throw new UsageError({
      what: 'seconds of different machines cannot be compared',
      where: 'queue',
      remedy: 'leave --queue out, or --seconds',
    });
}

/** Plans the trainings of an evaluation, and prepares its methods. */
export async function prepareEvaluation(given: EvaluateOptions): Promise<PreparedEvaluation> {
  requireOptions('evaluate', given, EVALUATE_OPTIONS);
  if (given.tune !== undefined) requireOptions('tune', given.tune, TUNE_OPTIONS);
  const options = { ...given, methodModules: await loadMethodModules(given.methodModules ?? []) };
  const { out, executor, tune, alone = false, engine = 'auto', targets = [], newBestsAfter } = options;
  requireAlone(options);
  const methods = completeMethods(options.methods, options.validate);
  const { tasks, missing } = taskSpecs(options, executor?.local ?? true);
  const seeds = [...new Set(options.seeds)];
  const tuning: TuningChoice | null = tune
    ? { trials: tune.trials, seeds: tuningSeeds(tune.seeds ?? 1, seeds), stepScale: tune.stepScale ?? false }
    : null;
  const settings: EvaluationSettings = {
    suite: options.suite ?? null,
    seeds,
    tuning: tuning && { ...tuning, seeds: [...tuning.seeds] },
    engine,
    alone,
    targets: [...targets],
    newBestsAfter: newBestsAfter ?? null,
  };
  const shared = { engine, alone };
  // Impossible settings are to be found before anything is read or trained.
  for (const spec of tasks) {
    const plain = methods.map((method) => untuned(spec, method));
    planTask(spec, plain, seeds, shared);
    if (tuning !== null) planTrials(spec, methods, tuning, shared);
  }
  requireSameEvaluation(out, settings, tasks, methods);
  for (const directory of [out, runsDirectory(out), sampleStore(out)]) clearLeftovers(directory);
  for (const { task, reason } of missing) options.onNote?.(`${task} is left out: ${reason}`);
  const described = await describeMethods(methods);
  const epochs = Math.min(...tasks.map((spec) => spec.settings.epochs));
  for (const method of methods) await findMethod(method.type).prepare?.(method, { ...options, epochs });
  return { options, settings, shared, methods, described, tasks, missingTasks: missing, tuning };
}
