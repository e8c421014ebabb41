import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../src/engine/engine.js';
import { expectSameOnBoth, randomValues } from './againstCpu.js';

const CASES = [1, 2].flatMap((stride) =>
  (['same', 'valid'] as const).flatMap((pad) =>
    [1, 3, 5].flatMap((kernel) =>
      [
        [7, 9],
        [8, 8],
        [5, 6],
      ].map((size) => ({ stride, pad, kernel, size })),
    ),
  ),
);

/** Gradients of a weighted sum of `work`'s result with respect to both inputs. */
function gradientsOf(
  work: (x: tf.Tensor4D, filter: tf.Tensor4D) => tf.Tensor,
  xShape: number[],
  filterShape: number[],
) {
  return () => {
    const x = tf.tensor4d(randomValues(1, xShape), xShape as never);
    const filter = tf.tensor4d(randomValues(2, filterShape), filterShape as never);
    return tf.grads((x, filter) => {
      const y = work(x as tf.Tensor4D, filter as tf.Tensor4D);
      return tf.sum(tf.mul(y, tf.tensor(randomValues(3, y.shape), y.shape)));
    })([x, filter]);
  };
}

describe('gradients of conv2d', () => {
  it.each(CASES)('stride $stride, $pad, kernel $kernel, image $size', async ({ stride, pad, kernel, size }) => {
    const work = gradientsOf((x, f) => tf.conv2d(x, f, stride, pad), [3, ...size, 5], [kernel, kernel, 5, 6]);
    await expectSameOnBoth(work);
  });

  it.each([
    { xShape: [1, 28, 28, 1], filterShape: [5, 5, 1, 6], stride: 1 },
    { xShape: [9, 6, 6, 3], filterShape: [3, 2, 3, 4], stride: [2, 1] as [number, number] },
    { xShape: [2, 4, 4, 17], filterShape: [3, 3, 17, 9], stride: 3 },
    { xShape: [2, 3, 3, 4], filterShape: [5, 5, 4, 4], stride: 1 },
  ])('image $xShape, filter $filterShape, stride $stride', async ({ xShape, filterShape, stride }) => {
    await expectSameOnBoth(gradientsOf((x, f) => tf.conv2d(x, f, stride, 'same'), xShape, filterShape));
  });

  it('padding by a number and by explicit sides', async () => {
    await expectSameOnBoth(gradientsOf((x, f) => tf.conv2d(x, f, 1, 1), [2, 6, 7, 3], [3, 3, 3, 4]));
  });

  it('refuses dilations with a clear error', async () => {
    await openEngine('wasm');
    expect(gradientsOf((x, f) => tf.conv2d(x, f, 1, 'same', 'NHWC', 2), [2, 6, 7, 3], [3, 3, 3, 4])).toThrow(
      /dilation/,
    );
  });
});

describe('gradients of depthwiseConv2d', () => {
  it.each(CASES)('stride $stride, $pad, kernel $kernel, image $size', async ({ stride, pad, kernel, size }) => {
    const work = gradientsOf((x, f) => tf.depthwiseConv2d(x, f, stride, pad), [3, ...size, 5], [kernel, kernel, 5, 1]);
    await expectSameOnBoth(work);
  });

  it.each([1, 2])('two filters a channel, stride %i', async (stride) => {
    const work = gradientsOf((x, f) => tf.depthwiseConv2d(x, f, stride, 'same'), [2, 7, 6, 3], [3, 3, 3, 2]);
    await expectSameOnBoth(work);
  });

  it('refuses dilations with a clear error', async () => {
    await openEngine('wasm');
    const work = gradientsOf((x, f) => tf.depthwiseConv2d(x, f, 1, 'same', 'NHWC', 2), [2, 7, 6, 3], [3, 3, 3, 2]);
    expect(work).toThrow(/dilation/);
  });
});
