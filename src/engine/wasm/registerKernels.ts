// The kernels that training needs and tfjs-backend-wasm 4.22 lacks.

import * as tf from '@tensorflow/tfjs-core';
import { conv2dBackpropFilterKernel } from './conv2dBackpropFilter.js';
import { depthwiseBackpropFilterKernel, depthwiseBackpropInputKernel } from './depthwiseBackprop.js';
import { unsortedSegmentSumKernel } from './unsortedSegmentSum.js';

/** Registers the missing kernels; a kernel that the backend has by then is left alone. */
export function registerWasmKernels(): void {
  for (const kernel of [
    conv2dBackpropFilterKernel,
    depthwiseBackpropInputKernel,
    depthwiseBackpropFilterKernel,
    unsortedSegmentSumKernel,
  ]) {
    if (tf.getKernel(kernel.kernelName, kernel.backendName) === undefined) tf.registerKernel(kernel);
  }
}
