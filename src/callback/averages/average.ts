// What an average of a training's weights is, and the running mean that several of them are. No reading of values: tensors stay
// on their backend.

import * as tf from '@tensorflow/tfjs-core';

/** All weights of a network, in a fixed order: that of `model.getWeights()`. */
export type NetworkWeights = readonly tf.Tensor[];

/** What an average consists of. */
export interface AverageState<T = tf.Tensor> {
  /** Weights that it has seen. */
  count: number;
  /** Weights that it keeps: the average itself, or those to take the mean of, oldest first. */
  kept: (readonly T[])[];
}

/** An average of the weights of one training. */
export interface WeightAverage {
  /** Takes in the weights after a step. */
  step?(weights: NetworkWeights): void;
  /**
   * Takes in the weights at the end of an epoch.
   *
   * @param epoch from 0.
   * @param epochs of the whole training; null where nobody told.
   */
  endEpoch?(weights: NetworkWeights, epoch: number, epochs: number | null): void;
  /** The average; null while there is none. The tensors belong to it, and change with what it takes in next. */
  value(): NetworkWeights | null;
  /** What it consists of. The tensors belong to it. */
  state(): AverageState;
  /** Goes on from a state, whose tensors it takes over. */
  restore(state: AverageState): void;
  dispose(): void;
}

/** A kind of average. One a file; index.ts lists them. */
export interface AverageDefinition {
  /** Letters. Unique. */
  readonly name: string;
  /** What it is, for `--help` and reports. */
  readonly describe: string;
  /** Its one number. */
  readonly parameter: {
    readonly name: string;
    /** What it is, for `--help`. */
    readonly describe: string;
    readonly default: number;
    /** Which values it takes, as the end of "give ...": `a number above 0 below 1`. */
    readonly values: string;
    isValid(value: number): boolean;
  };
  create(parameter: number): WeightAverage;
}

/** Copies of weights, which share their values until training replaces these. Kept also where the caller tidies. */
export function copyWeights(weights: NetworkWeights): tf.Tensor[] {
  return weights.map((weight) => tf.keep(tf.clone(weight)));
}

/** The mean of what it follows, with a weight for each new value: average += rate(n) * (weights - average). */
export class RunningMean implements Pick<WeightAverage, 'value' | 'state' | 'restore' | 'dispose'> {
  #mean: readonly tf.Tensor[] = [];
  #count = 0;

  /** @param rate weight of the n-th value, from 1; that of the first is 1. */
  constructor(readonly rate: (n: number) => number) {}

  follow(weights: NetworkWeights): void {
    const before = this.#mean;
    const rate = this.rate(++this.#count);
    if (before.length === 0) this.#mean = copyWeights(weights);
    else
      this.#mean = weights.map((weight, i) =>
        tf.keep(
          tf.tidy(() =>
            // Counters and masks have no mean.
            weight.dtype === 'float32' ? tf.add(before[i], tf.mul(tf.sub(weight, before[i]), rate)) : tf.clone(weight),
          ),
        ),
      );
    tf.dispose([...before]);
  }

  value(): NetworkWeights | null {
    return this.#count === 0 ? null : this.#mean;
  }

  state(): AverageState {
    return { count: this.#count, kept: this.#count === 0 ? [] : [this.#mean] };
  }

  restore({ count, kept }: AverageState): void {
    this.dispose();
    this.#count = count;
    this.#mean = kept[0] ?? [];
  }

  dispose(): void {
    tf.dispose([...this.#mean]);
    this.#mean = [];
    this.#count = 0;
  }
}
