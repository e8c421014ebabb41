// Latest weight averaging (Kaddour, 2022): the mean of the last k epoch ends, of fewer while there are fewer.

import * as tf from '@tensorflow/tfjs-core';
import { type AverageDefinition, type AverageState, copyWeights, type WeightAverage } from './average.js';

class LatestMean implements WeightAverage {
  #latest: (readonly tf.Tensor[])[] = [];
  #count = 0;
  #mean: readonly tf.Tensor[] = [];

  constructor(readonly k: number) {}

  endEpoch(weights: readonly tf.Tensor[]): void {
    this.#latest.push(copyWeights(weights));
    if (this.#latest.length > this.k) tf.dispose([...(this.#latest.shift() as tf.Tensor[])]);
    this.#count++;
    this.#update();
  }

  value(): readonly tf.Tensor[] | null {
    return this.#latest.length === 0 ? null : this.#mean;
  }

  state(): AverageState {
    return { count: this.#count, kept: this.#latest };
  }

  restore({ count, kept }: AverageState): void {
    this.dispose();
    this.#count = count;
    this.#latest = [...kept];
    this.#update();
  }

  dispose(): void {
    tf.dispose([...this.#latest.flat(), ...this.#mean]);
    this.#latest = [];
    this.#mean = [];
    this.#count = 0;
  }

  #update(): void {
    const latest = this.#latest;
    tf.dispose([...this.#mean]);
    this.#mean = (latest.at(-1) ?? []).map((last, i) =>
      tf.keep(
        tf.tidy(() => {
          if (last.dtype !== 'float32') return tf.clone(last);
          return tf.div(tf.addN(latest.map((weights) => weights[i])), latest.length);
        }),
      ),
    );
  }
}

export const lawa: AverageDefinition = {
  name: 'lawa',
  describe: 'mean of the weights at the last k epoch ends',
  parameter: {
    name: 'k',
    describe: 'epoch ends to take the mean of',
    default: 5,
    values: 'a whole number from 1 up to 100',
    isValid: (value) => Number.isInteger(value) && value >= 1 && value <= 100,
  },
  create: (k) => new LatestMean(k),
};
