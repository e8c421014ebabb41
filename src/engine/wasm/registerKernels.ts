// The kernels that training needs and tfjs-backend-wasm 4.22 lacks or has only in slow form.

import * as tf from '@tensorflow/tfjs-core';
import { conv2dBackpropFilterKernel } from './conv2dBackpropFilter.js';
import { conv2dBackpropInputKernel } from './conv2dBackpropInput.js';
import { depthwiseBackpropFilterKernel, depthwiseBackpropInputKernel } from './depthwiseBackprop.js';
import type { WasmKernels } from './kernels.js';
import { maxPoolGradKernel } from './maxPoolGrad.js';
import { sumKernel } from './sum.js';
import { unsortedSegmentSumKernel } from './unsortedSegmentSum.js';

/** Registers them, in place of what the backend has under their names. */
export function registerWasmKernels(kernels: WasmKernels): void {
  const originalSum = tf.getKernel(tf.Sum, 'wasm');
  for (const name of [tf.Conv2DBackpropInput, tf.MaxPoolGrad, tf.Sum]) tf.unregisterKernel(name, 'wasm');
  for (const kernel of [
    conv2dBackpropFilterKernel(kernels),
    depthwiseBackpropInputKernel,
    depthwiseBackpropFilterKernel,
    unsortedSegmentSumKernel,
    conv2dBackpropInputKernel,
    maxPoolGradKernel(kernels),
    sumKernel(kernels, originalSum),
  ]) {
    tf.registerKernel(kernel);
  }
}
