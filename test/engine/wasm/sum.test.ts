import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { expectSameOnBoth, randomValues } from './againstCpu.js';

describe('sum and mean', () => {
  it.each([
    { shape: [5, 4, 3, 23], axis: [0, 1, 2] },
    { shape: [5, 4, 3, 23], axis: [2, 0, 1] },
    { shape: [700, 5], axis: 0 },
    { shape: [1, 64], axis: 0 },
    { shape: [4, 3, 6], axis: [-3] },
    { shape: [4, 3, 6], axis: [1] },
    { shape: [4, 3, 6], axis: [1, 2] },
    { shape: [4, 3, 6], axis: undefined },
    { shape: [7], axis: 0 },
  ])('shape $shape over axes $axis', async ({ shape, axis }) => {
    for (const keepDims of [false, true]) {
      await expectSameOnBoth(() => {
        const x = tf.tensor(randomValues(1, shape), shape);
        return [tf.sum(x, axis, keepDims), tf.mean(x, axis, keepDims)];
      });
    }
  });

  it('whole numbers', async () => {
    await expectSameOnBoth(() => [tf.sum(tf.tensor2d([1, 2, 3, 4], [2, 2], 'int32'), 0)]);
  });
});
