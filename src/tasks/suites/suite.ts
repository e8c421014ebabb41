// What a suite is: a named list of trainings for comparisons. What compares and in which order is not said here.

import type { OptimizerInfo } from '../../trajectory/schema.js';

/** A task with all settings of its trainings but seed and method. */
export interface SuiteEntry {
  /** Name with the architecture's options, as `findTask(task).name` has it. */
  task: string;
  epochs: number;
  /** Examples per batch. */
  batchSize: number;
  /** Training examples, drawn at random. Default: all. */
  trainExamples?: number;
  /** Training examples of an epoch; the next one goes on in the others. Default: all, so that an epoch is one pass. */
  epochExamples?: number;
  /** Validation examples, drawn at random. Default: all. */
  validationExamples?: number;
  /** Optimizer; its learning rate is the center of the grid when it is tuned. */
  optimizer: OptimizerInfo;
}

/** Trainings that are evaluated together. */
export interface Suite {
  name: string;
  /** What it is for, as a part of a sentence. */
  description: string;
  entries: readonly SuiteEntry[];
}
