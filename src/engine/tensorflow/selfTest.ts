// The self-test of a new link, run in its own process because the native library may crash: computes a matrix product and
// a convolution training step on TensorFlow and in pure JavaScript, and prints the differences.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { registerLinkedBackend } from './loadLinked.js';
import { restoreNodeUtil, setNativeDefaults } from './nodeUtil.js';

/** What the process prints, as JSON. */
export interface SelfTestResult {
  tensorflow: string;
  usesGpu: boolean;
  /** Largest difference between the engines in the matrix product, and in the weights after the training step. */
  productError: number;
  trainingError: number;
}

function wave(shape: number[]): tf.Tensor {
  return tf.tensor(
    Float32Array.from({ length: tf.util.sizeFromShape(shape) }, (_, i) => Math.sin(1.7 * i)),
    shape,
  );
}

function multiply(): Float32Array {
  return tf.tidy(() => tf.matMul(wave([5, 7]) as tf.Tensor2D, wave([7, 4]) as tf.Tensor2D).dataSync<'float32'>());
}

function trainStep(): Float32Array {
  return tf.tidy(() => {
    const filter = tf.variable(wave([3, 3, 2, 4]) as tf.Tensor4D);
    const images = wave([2, 6, 6, 2]) as tf.Tensor4D;
    tf.train
      .sgd(0.1)
      .minimize(() => tf.mean(tf.square(tf.relu(tf.conv2d(images, filter, 1, 'same')))), false, [filter]);
    return filter.dataSync<'float32'>();
  });
}

function largestDifference(a: Float32Array, b: Float32Array): number {
  return a.reduce((largest, value, i) => Math.max(largest, Math.abs(value - b[i]!)), 0);
}

tf.enableProdMode();
setNativeDefaults();
restoreNodeUtil();
const { tensorflow, usesGpu } = registerLinkedBackend(process.argv[2]!, process.argv[3]!);
await tf.setBackend('cpu');
const expected = [multiply(), trainStep()] as const;
await tf.setBackend('tensorflow');
const result: SelfTestResult = {
  tensorflow,
  usesGpu,
  productError: largestDifference(expected[0], multiply()),
  trainingError: largestDifference(expected[1], trainStep()),
};
process.stdout.write(`${JSON.stringify(result)}\n`);
