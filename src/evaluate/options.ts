// What an evaluation can be asked for. Types and names.

import type { EngineRequest } from '../engine/engine.js';
import type { Method } from '../evaluation/schema.js';
import type { JobExecutor } from '../jobs/index.js';
import { FLAG, FUNCTION, listOf, NUMBER, needed, OBJECT, type OptionTypes, objectOf, TEXT } from '../optionTypes.js';
import type { NoteListener, ProgressListener } from '../progress.js';
import type { OptimizerInfo } from '../trajectory/schema.js';

/** How learning rates are tuned. */
export interface TuneOptions {
  /** Settings tried for each method on each task, at least 1. The same number for all. */
  trials: number;
  /** Seeds with which each is tried; none of them is reported. Default 1. */
  seeds?: number;
  /** Try step scales of nowcasters too, in as many trials. Default false. */
  stepScale?: boolean;
}

/** Options of `evaluate`. */
export interface EvaluateOptions {
  /** Directory for `results.json`, `forecasts.json`, `runs/` and `trajectories/`. Finished runs there are kept. */
  out: string;
  /** Tasks to train, e.g. `mnist/cnn`. Default: those of the suite. */
  tasks?: readonly string[];
  /** Suite whose tasks are trained with its settings; those that follow replace its own. `tasks` restricts it. Default: none. */
  suite?: string;
  /** Seeds of initial weights and batches; the same for all methods. */
  seeds: readonly number[];
  /** Methods to compare with plain training, which is always included; see parseMethod. */
  methods: readonly Method[];
  /**
   * Paths of ES modules whose default exports are methods from outside of the toolkit (MethodDefinition). All worker processes
   * of this machine import them; a queue's workers do not. Default: none.
   */
  methodModules?: readonly string[];
  /** Tune the learning rate of every method first. Default: all train with the optimizer's. */
  tune?: TuneOptions;
  /** Epochs of each run. Default: the suite's, else 20. */
  epochs?: number;
  /** Examples per batch. Default: the suite's, else 128. */
  batchSize?: number;
  /** Optimizer of all runs, with the learning rate that tuning starts from. Default: the suite's, else Adam at 0.001. */
  optimizer?: OptimizerInfo;
  /**
   * Average to validate in the place of the trained weights, in all methods (plain included) that have none of their own:
   * `ema:0.99`, `lawa:5` or `swa:0.75`. Default: the trained weights are validated.
   */
  validate?: string;
  /** Training examples, drawn at random. Default: the suite's, else all of the task's. */
  trainExamples?: number;
  /** Training examples of an epoch; the next one goes on in the others. Default: the suite's, else all. */
  epochExamples?: number;
  /** Validation examples, drawn at random. Default: the suite's, else all of the task's. */
  validationExamples?: number;
  /** Target values of the tasks' metrics, in addition to those that plain training sets. Default: none. */
  targets?: readonly number[];
  /** Epoch after which plain's new bests count. Default: 40% of the epochs. */
  newBestsAfter?: number;
  /**
   * Train one run at a time, with all threads of the engine, so that seconds can be compared. Trials of the tuning still run side
   * by side. Not with more than one worker, nor with an executor of other machines. Default false.
   */
  alone?: boolean;
  /** Compute engine. Default `auto`. */
  engine?: EngineRequest;
  /** For webgpu: the GPU to use, or a part of its name. Default: the system default. */
  adapter?: string;
  /** Worker processes; not with an `executor`. Default: one per core, at most one per run. */
  workers?: number;
  /** Executor of the trainings, e.g. a `queueExecutor`. Default: `workers` processes of this machine. */
  executor?: JobExecutor;
  /** Directory of the image datasets. Default: that of `wnn data`. */
  images?: string;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  /** Aborts the evaluation; finished runs are kept. */
  signal?: AbortSignal;
}

/** The types of {@link TuneOptions}. */
export const TUNE_OPTIONS: OptionTypes<TuneOptions> = {
  trials: needed(NUMBER),
  seeds: NUMBER,
  stepScale: FLAG,
};

/** The types of {@link EvaluateOptions}. */
export const EVALUATE_OPTIONS: OptionTypes<EvaluateOptions> = {
  out: needed(TEXT),
  tasks: listOf(TEXT),
  suite: TEXT,
  seeds: needed(listOf(NUMBER)),
  methods: needed(listOf(OBJECT)),
  methodModules: listOf(TEXT),
  tune: objectOf('trials', 'seeds', 'stepScale'),
  epochs: NUMBER,
  batchSize: NUMBER,
  optimizer: objectOf('name', 'learningRate'),
  validate: TEXT,
  trainExamples: NUMBER,
  epochExamples: NUMBER,
  validationExamples: NUMBER,
  targets: listOf(NUMBER),
  newBestsAfter: NUMBER,
  alone: FLAG,
  engine: TEXT,
  adapter: TEXT,
  workers: NUMBER,
  executor: OBJECT,
  images: TEXT,
  onProgress: FUNCTION,
  onNote: FUNCTION,
  signal: OBJECT,
};
