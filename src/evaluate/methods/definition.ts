// The interface of a method. One definition per file; index.ts lists them. Types only.

import type * as tf from '@tensorflow/tfjs-core';
import type { Averaging } from '../../callback/averages/index.js';
import type { Forecaster, Nowcast } from '../../callback/index.js';
import type { EvaluationJob, Method, MethodDescription } from '../../evaluation/schema.js';
import type { NoteListener, ProgressListener } from '../../progress.js';
import type { BatchSource } from '../../tasks/batches.js';
import type { TrainCallback } from '../../tasks/trainTask.js';
import type { OptimizerInfo } from '../../trajectory/schema.js';
import type { MethodSettings } from './setting.js';

/** The context of {@link MethodDefinition.prepare}. */
export interface PrepareContext {
  /** Output directory of the evaluation; what is prepared for its runs is kept there. */
  out: string;
  /** Epochs of each run. */
  epochs: number;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  signal?: AbortSignal;
}

/** The context of {@link MethodDefinition.train}. */
export interface TrainingContext {
  /** The training: task, seed, epochs, batch size, optimizer. */
  job: EvaluationJob;
  /** Directory with the files of `prepare`: the `out` of its context. */
  inputs: string;
  /** The training batches, in the order of the first epoch, without augmentation. */
  batches: BatchSource;
}

/** A method's hooks in one training. All are optional; plain training has none. */
export interface MethodTraining {
  /**
   * Hooks of the training: a tfjs `Callback` (its `model` is the network) or an object of functions. `onEpochEnd` runs after
   * the validation of the epoch.
   */
  callback?: TrainCallback;
  /**
   * Weights to validate instead of the trained ones; see `validationWeights` of trainTask. The trained ones are restored
   * after each validation. The time counts as the method's.
   */
  validationWeights?(epoch: number): Promise<readonly tf.Tensor[] | null>;
  /** Nowcasts of the training so far, in order. Default: none. */
  nowcasts?(): readonly Nowcast[];
  /** Frees the method's resources. Called once, also when the training failed. */
  dispose?(): Promise<void>;
}

/** A forecaster with its horizon. */
export interface MethodForecaster extends Forecaster {
  /** Epochs from the window's last value to the forecast. */
  readonly horizon: number;
}

/**
 * A method: its command-line syntax, its data, and its hooks in a training.
 *
 * @typeParam M its data: JSON, made by `parse`. All of it but `paths` goes into the ids of the runs, so that runs of other
 * settings or other file contents (as a hash) are never taken for each other.
 * @typeParam S its settings: fields of the data that the registry reads, checks and adds to those of `parse`. All hooks see them.
 */
export interface MethodDefinition<M extends Method = Method, S extends object = object> {
  /** Its name on the command line and the `type` of its data: letters, digits, `-`. Unique. */
  readonly type: string;
  /** What follows the word and a colon, for people: `STORE` for `introspection:STORE`. Undefined: nothing may follow. */
  readonly argument?: string;
  /**
   * Settings that may follow behind `?`, by key: `TYPE?KEY=VALUE&KEY=VALUE`. No key may be a field that `parse` returns, nor that of a
   * common setting. Default: the common settings only.
   */
  readonly settings?: MethodSettings<S>;
  /** Whether it validates weights of its own, so that the common setting `validate` is not for it. Default false. */
  readonly validatesOwn?: boolean;
  /**
   * For plain training that validates an average: which. It has no `train` then, and its own settings say nothing else. Trainings
   * that differ in the average alone are made once. Default: the common setting `validate`.
   */
  averaging?(method: M & S): Averaging;
  /** Whether it replaces weights by nowcasts: these are counted in the tables. Default false. */
  readonly nowcasts?: boolean;
  /**
   * Fields of its data that hold absolute paths. They do not belong to a run's id, since contents matter and places do not;
   * other machines of a fleet see them below their own shared directory. Default: none.
   */
  readonly paths?: readonly string[];
  /**
   * The data from what a user gave, without the settings. Default: type and name, which is the type.
   *
   * @param argument what followed the colon; empty where nothing may.
   * @throws UsageError for an impossible argument, MissingFileError for files that are not there.
   */
  parse?(argument: string): M;
  /**
   * The data, without the settings, from what came from a queue, where anyone may have put it; paths are those of this machine.
   * Only its own fields may be in the result; its name is checked already, and so are the settings. Methods without `parse` need
   * none, nor do those of modules, since a queue moves no code. Default: no queue trains the method.
   *
   * @returns null when `parse` could not have made it.
   * @throws UsageError that says more.
   */
  check?(data: Method): M | null;
  /**
   * The optimizer of its runs, made from that of the evaluation. The common settings `learningRate` and `schedule` come after it.
   * Default: that of the evaluation.
   */
  optimizer?(method: M & S, base: OptimizerInfo): OptimizerInfo;
  /**
   * The step scale of its nowcasts, for the tuning of step scales: its setting `stepScale` is then set to a part of it. Default: it
   * has none. Null: it is not a number.
   */
  stepScaleOf?(method: M & S): number | null;
  /**
   * Its description in the report, without its settings. Called before any training.
   *
   * @throws the errors of files that cannot be read.
   */
  describe(method: M & S): MethodDescription | Promise<MethodDescription>;
  /**
   * Prepares the inputs of all its runs once, before they start; keeps existing ones.
   *
   * @throws `signal.reason` when aborted.
   */
  prepare?(method: M & S, context: PrepareContext): Promise<void>;
  /** Its forecaster, for the table of forecast errors. Default: it is not in that table. */
  forecaster?(method: M & S): Promise<MethodForecaster>;
  /** Its hooks for a training, created for each. Default: none. */
  train?(method: M & S, context: TrainingContext): MethodTraining | Promise<MethodTraining>;
}
