import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { expectSameOnBoth, randomValues } from './againstCpu.js';

const product = (shapeA: number[], shapeB: number[], transposeA: boolean, transposeB: boolean) => () => {
  const a = tf.tensor(randomValues(1, shapeA), shapeA);
  const b = tf.tensor(randomValues(2, shapeB), shapeB);
  return [tf.matMul(a, b, transposeA, transposeB)];
};

describe('matrix products', () => {
  it.each([
    { a: [5, 7], b: [7, 3], transposeA: false, transposeB: false },
    { a: [7, 5], b: [7, 3], transposeA: true, transposeB: false },
    { a: [5, 7], b: [3, 7], transposeA: false, transposeB: true },
    { a: [7, 5], b: [3, 7], transposeA: true, transposeB: true },
    { a: [4, 7, 5], b: [4, 7, 3], transposeA: true, transposeB: false },
    { a: [2, 2, 5, 7], b: [2, 2, 3, 7], transposeA: false, transposeB: true },
    { a: [1, 7, 5], b: [4, 3, 7], transposeA: true, transposeB: true },
    { a: [1, 9], b: [1, 9], transposeA: true, transposeB: false },
  ])('$a x $b, transposed $transposeA, $transposeB', async ({ a, b, transposeA, transposeB }) => {
    await expectSameOnBoth(product(a, b, transposeA, transposeB));
  });
});
