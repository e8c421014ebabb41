// The interface of an optimizer that a task can be trained with. One definition a file; index.ts lists them. Types only.

import type * as tf from '@tensorflow/tfjs-core';

/** Settings of an optimizer other than its name, learning rate and schedule, with their defaults. */
export type OptimizerSettings = Readonly<Record<string, number | boolean>>;

/** An optimizer: its settings, its usual learning rates, and how it is made. */
export interface OptimizerDefinition<N extends string = string, S extends OptimizerSettings = OptimizerSettings> {
  /** On the command line and in manifests. Unique. */
  readonly name: N;
  /** Its settings with their defaults. */
  readonly settings: S;
  /** Learning rates that train the zoo's networks well, from which plans draw. */
  readonly learningRates: readonly [low: number, high: number];
  /** The learning rate that people try first: the center of a search. */
  readonly usualLearningRate: number;
  /** Makes it. The caller disposes of it. */
  make(learningRate: number, settings: S): tf.Optimizer;
}

/** An optimizer whose weights in training are not those to validate: Schedule-Free. */
export interface EvaluatingOptimizer extends tf.Optimizer {
  /**
   * The weights to validate. They belong to the optimizer, until the next call.
   *
   * @param trained variables: those that it trains, and others, which come back as they are.
   */
  evaluationWeights(trained: readonly tf.Tensor[]): readonly tf.Tensor[];
}
