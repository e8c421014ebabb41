import * as tf from '@tensorflow/tfjs-core';
import { describe, it } from 'vitest';
import { expectSameOnBoth, randomValues } from './againstCpu.js';

describe('tile', () => {
  it.each([
    { shape: [1, 1, 1, 5], reps: [3, 4, 2, 1] },
    { shape: [1, 3, 2], reps: [7, 1, 1] },
    { shape: [1, 3, 2], reps: [1, 2, 1] },
    { shape: [2, 3], reps: [1, 3] },
    { shape: [2, 3], reps: [2, 3] },
    { shape: [2, 3], reps: [5, 1] },
    { shape: [2, 3], reps: [1, 1] },
    { shape: [1, 4], reps: [0, 1] },
    { shape: [4], reps: [3] },
  ])('shape $shape by $reps', async ({ shape, reps }) => {
    await expectSameOnBoth(() => [tf.tile(tf.tensor(randomValues(1, shape), shape), reps)]);
  });
});
