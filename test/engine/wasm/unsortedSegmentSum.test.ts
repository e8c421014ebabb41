import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { expectSameOnBoth, randomValues } from './againstCpu.js';

describe('unsortedSegmentSum', () => {
  it.each([[[7]], [[7, 3]], [[7, 2, 5]]])('rows of shape %j, with repeated and absent segments', async (shape) => {
    await expectSameOnBoth(() => [
      tf.unsortedSegmentSum(tf.tensor(randomValues(1, shape), shape), tf.tensor1d([2, 0, 2, 4, 0, 2, 1], 'int32'), 6),
    ]);
  });

  it('gives the gradient of a gather along either axis', async () => {
    await expectSameOnBoth(() => {
      const x = tf.tensor2d(randomValues(1, [5, 4]), [5, 4]);
      const indices = tf.tensor1d([3, 1, 3], 'int32');
      return [0, 1].map((axis) =>
        tf.grad((x) => {
          const rows = tf.gather(x, indices, axis);
          return tf.sum(tf.mul(rows, tf.tensor(randomValues(2, rows.shape), rows.shape)));
        })(x),
      );
    });
  });
});
