import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { expectSameOnBoth, randomValues } from './againstCpu.js';

const CASES = [1, 2, 3].flatMap((stride) =>
  (['same', 'valid'] as const).flatMap((pad) =>
    [2, 3].flatMap((window) =>
      [
        [7, 9, 4],
        [8, 8, 6],
        [5, 6, 1],
      ].map((shape) => ({ stride, pad, window, shape })),
    ),
  ),
);

/** Images of few different values, as after a ReLU, so that most windows hold their maximum several times. */
function tiedImages(shape: number[]): tf.Tensor4D {
  const values = randomValues(1, shape).map((value) => Math.max(0, Math.round(3 * value)));
  return tf.tensor4d(values, shape as never);
}

function gradientOf(work: (x: tf.Tensor4D) => tf.Tensor, x: tf.Tensor4D): tf.Tensor[] {
  const gradient = tf.grad((x) => {
    const y = work(x as tf.Tensor4D);
    return tf.sum(tf.mul(y, tf.tensor(randomValues(2, y.shape), y.shape)));
  });
  return [gradient(x)];
}

describe('gradients of pooling', () => {
  it.each(CASES)('stride $stride, $pad, window $window, image $shape', async ({ stride, pad, window, shape }) => {
    await expectSameOnBoth(() => gradientOf((x) => tf.maxPool(x, window, stride, pad), tiedImages([3, ...shape])));
    await expectSameOnBoth(() => gradientOf((x) => tf.avgPool(x, window, stride, pad), tiedImages([3, ...shape])));
  });

  it('windows that are not square, padded by a number', async () => {
    await expectSameOnBoth(() => gradientOf((x) => tf.maxPool(x, [3, 2], [1, 2], 1), tiedImages([2, 6, 7, 5])));
  });
});
