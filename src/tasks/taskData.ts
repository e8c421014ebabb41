// What any task's data looks like to the training of a network: numbered examples that give batches of tensors.
// Images and text implement it; where the examples come from is not known here.

import type * as tf from '@tensorflow/tfjs-core';
import type { AugmentationDraw } from './augmentation.js';

/** One batch. Whoever asked for it disposes of both tensors. */
export interface Batch {
  /** Inputs, [examples, ...inputShape], float32. */
  xs: tf.Tensor;
  /** Class numbers, float32 as tfjs expects: [examples, 1], or [examples, steps, 1] where each step has a target. */
  ys: tf.Tensor;
}

/** A set of examples, numbered from 0. */
export interface Examples {
  readonly count: number;
  /** Whether {@link Examples.takeBatch} can change its inputs at random. */
  readonly augmentable: boolean;
  /** The examples with the given numbers, in that order, as a set of its own. */
  subset(indices: Uint32Array): Examples;
  /**
   * Makes one batch of the examples with the given numbers.
   *
   * @param augmentation how to change the inputs at random; without it they are given as they are.
   */
  takeBatch(indices: Uint32Array, augmentation?: AugmentationDraw): Batch;
}

/** The data of a task. */
export interface TaskData {
  readonly name: string;
  /** Shape of one example, e.g. [height, width, channels]. */
  readonly inputShape: readonly number[];
  /** Number of classes, of which the network gives the probabilities. */
  readonly classes: number;
  readonly train: Examples;
  readonly validation: Examples;
}
