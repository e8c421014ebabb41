// The kernels that training needs and tfjs-backend-wasm 4.22 lacks or has only in slow form.

import * as tf from '@tensorflow/tfjs-core';
import { batchMatMulKernel } from './batchMatMul.js';
import { conv2dBackpropFilterKernel } from './conv2dBackpropFilter.js';
import { conv2dBackpropInputKernel } from './conv2dBackpropInput.js';
import { depthwiseBackpropFilterKernel, depthwiseBackpropInputKernel } from './depthwiseBackprop.js';
import { fusedKernels } from './fused.js';
import { identityKernel } from './identity.js';
import type { WasmKernels } from './kernels.js';
import { maxPoolGradKernel } from './maxPoolGrad.js';
import { meanKernel, sumKernel } from './sum.js';
import { tileKernel } from './tile.js';
import { unsortedSegmentSumKernel } from './unsortedSegmentSum.js';

/** Registers the kernels, replacing those of the backend with the same names. */
export function registerWasmKernels(kernels: WasmKernels): void {
  const original = {
    batchMatMul: tf.getKernel(tf.BatchMatMul, 'wasm'),
    mean: tf.getKernel(tf.Mean, 'wasm'),
    sum: tf.getKernel(tf.Sum, 'wasm'),
    tile: tf.getKernel(tf.Tile, 'wasm'),
  };
  for (const name of [tf.BatchMatMul, tf.Conv2DBackpropInput, tf.Identity, tf.MaxPoolGrad, tf.Mean, tf.Sum, tf.Tile]) {
    tf.unregisterKernel(name, 'wasm');
  }
  for (const kernel of [
    batchMatMulKernel(original.batchMatMul),
    conv2dBackpropFilterKernel(kernels),
    depthwiseBackpropInputKernel(kernels),
    depthwiseBackpropFilterKernel(kernels),
    unsortedSegmentSumKernel,
    conv2dBackpropInputKernel,
    identityKernel,
    maxPoolGradKernel(kernels),
    meanKernel(kernels, original.mean),
    sumKernel(kernels, original.sum),
    tileKernel(original.tile),
    ...fusedKernels(kernels),
  ]) {
    tf.registerKernel(kernel);
  }
}
