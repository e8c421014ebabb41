// The interface between a task's data and the training: indexed examples that give batches of tensors. Images and text
// implement it.

import type * as tf from '@tensorflow/tfjs-core';
import type { AugmentationDraw } from './augmentation.js';

/** One batch. The caller disposes of both tensors. */
export interface Batch {
  /** Inputs, [examples, ...inputShape], float32. */
  xs: tf.Tensor;
  /** Class indices, float32 as tfjs expects: [examples, 1], or [examples, steps, 1] where each step has a target. */
  ys: tf.Tensor;
}

/** A set of examples, indexed from 0. */
export interface Examples {
  readonly count: number;
  /** Whether {@link Examples.takeBatch} supports augmentation. */
  readonly augmentable: boolean;
  /** The examples with the given indices, in that order. */
  subset(indices: Uint32Array): Examples;
  /**
   * Creates a batch of the examples with the given indices.
   *
   * @param augmentation of the inputs. Default: none.
   */
  takeBatch(indices: Uint32Array, augmentation?: AugmentationDraw): Batch;
}

/** The data of a task. */
export interface TaskData {
  readonly name: string;
  /** Shape of one example, e.g. [height, width, channels]. */
  readonly inputShape: readonly number[];
  /** Number of classes. */
  readonly classes: number;
  readonly train: Examples;
  readonly validation: Examples;
}
