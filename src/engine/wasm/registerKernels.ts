// The kernels that training needs and tfjs-backend-wasm 4.22 lacks or has only as plain loops.

import * as tf from '@tensorflow/tfjs-core';
import { conv2dBackpropFilterKernel } from './conv2dBackpropFilter.js';
import { conv2dBackpropInputKernel } from './conv2dBackpropInput.js';
import { depthwiseBackpropFilterKernel, depthwiseBackpropInputKernel } from './depthwiseBackprop.js';
import { unsortedSegmentSumKernel } from './unsortedSegmentSum.js';

const MISSING_KERNELS = [
  conv2dBackpropFilterKernel,
  depthwiseBackpropInputKernel,
  depthwiseBackpropFilterKernel,
  unsortedSegmentSumKernel,
];

/** Kernels that the backend has, but slow ones. */
const FASTER_KERNELS = [conv2dBackpropInputKernel];

/** Registers the missing and the faster kernels, in place of what the backend has under their names. */
export function registerWasmKernels(): void {
  for (const kernel of FASTER_KERNELS) tf.unregisterKernel(kernel.kernelName, kernel.backendName);
  for (const kernel of [...MISSING_KERNELS, ...FASTER_KERNELS]) tf.registerKernel(kernel);
}
