// Batches for tfjs-layers' fitDataset, in a new permutation each pass that depends only on the seed. tfjs's own
// shuffling cannot be seeded.

import type * as tf from '@tensorflow/tfjs-core';
import { Random } from '../random.js';
import type { Augmentation, AugmentationDraw } from './augmentation.js';
import type { Batch, Examples } from './taskData.js';

/** The dataset interface of fitDataset and evaluateDataset, which dispose of the batches' tensors. */
export interface BatchSource {
  iterator(): Promise<{ next(): Promise<{ value: Batch; done: false } | { value: null; done: true }> }>;
}

/** Number of batches that hold so many examples; the last one may be smaller. */
export function countBatches(examples: number, batchSize: number): number {
  return Math.ceil(examples / batchSize);
}

/**
 * An infinite sequence of training batches, one pass over the examples after the other. The order of each pass is drawn from
 * `seed` and the pass's number.
 *
 * @param settings augmentation of the inputs, from the same seed. Default: none.
 */
export function shuffledBatches(
  examples: Examples,
  batchSize: number,
  seed: number,
  settings?: Augmentation,
): BatchSource {
  return {
    async iterator() {
      let pass = 0;
      let position = examples.count;
      let order: Uint32Array = new Uint32Array();
      let augmentation: AugmentationDraw | undefined;
      return {
        async next() {
          if (position >= examples.count) {
            order = new Random(seed, 'order', pass).permutation(examples.count);
            if (settings) augmentation = { settings, random: new Random(seed, 'augmentation', pass) };
            position = 0;
            pass++;
          }
          const indices = order.subarray(position, position + batchSize);
          position += batchSize;
          return { value: examples.takeBatch(indices, augmentation), done: false };
        },
      };
    },
  };
}

/** Each example once, in order: for validation. */
export function orderedBatches(examples: Examples, batchSize: number): BatchSource {
  return {
    async iterator() {
      let position = 0;
      return {
        async next() {
          if (position >= examples.count) return { value: null, done: true };
          const length = Math.min(batchSize, examples.count - position);
          const start = position;
          position += length;
          const indices = Uint32Array.from({ length }, (_, i) => start + i);
          return { value: examples.takeBatch(indices), done: false };
        },
      };
    },
  };
}

/** Batches from which batch-norm statistics are estimated anew, at most. */
const STATISTICS_BATCHES = 10;

/**
 * Inputs of training batches of full size for estimating batch-norm statistics, drawn from `seed` and the epoch's number apart
 * from the training's order. Each is disposed of when the next one is asked for.
 */
export function* statisticsBatches(
  examples: Examples,
  batchSize: number,
  seed: number,
  epoch: number,
  settings?: Augmentation,
): Generator<tf.Tensor> {
  const size = Math.min(batchSize, examples.count);
  const count = Math.min(STATISTICS_BATCHES, Math.floor(examples.count / size));
  const drawn = Uint32Array.from(new Random(seed, 'statistics', epoch).sample(examples.count, count * size));
  const random = new Random(seed, 'statistics augmentation', epoch);
  for (let begin = 0; begin < drawn.length; begin += size) {
    const { xs, ys } = examples.takeBatch(drawn.subarray(begin, begin + size), settings && { settings, random });
    ys.dispose();
    try {
      yield xs;
    } finally {
      xs.dispose();
    }
  }
}

/** Measures each pass over batches, from the request for its first to the end of its last. */
export function timedBatches(batches: BatchSource, onPass: (milliseconds: number) => void): BatchSource {
  return {
    async iterator() {
      const started = performance.now();
      const inner = await batches.iterator();
      return {
        async next() {
          const result = await inner.next();
          if (result.done) onPass(performance.now() - started);
          return result;
        },
      };
    },
  };
}
