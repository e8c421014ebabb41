// Sums and means over leading axes, as in the gradients of biases and the statistics of batch normalization. The kernels of
// tfjs-backend-wasm transpose their input first; they handle all other reductions.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { addressOf, type WasmKernels } from './kernels.js';

/** Kernel `Sum`: input x, output x summed over `axis`. */
export function sumKernel(kernels: WasmKernels, original: tf.KernelConfig): tf.KernelConfig {
  return { ...original, kernelFunc: (args) => reduceRows(kernels, args, false) ?? original.kernelFunc(args) };
}

/** Kernel `Mean`: input x, output the mean of x over `axis`. */
export function meanKernel(kernels: WasmKernels, original: tf.KernelConfig): tf.KernelConfig {
  return { ...original, kernelFunc: (args) => reduceRows(kernels, args, true) ?? original.kernelFunc(args) };
}

/** The sum or mean over leading axes; undefined for other axes or types other than float32. */
function reduceRows(
  kernels: WasmKernels,
  { inputs, attrs, backend: anyBackend }: Parameters<tf.KernelFunc>[0],
  average: boolean,
): tf.TensorInfo | undefined {
  const { x } = inputs as { x: tf.TensorInfo };
  const { axis, keepDims } = attrs as tf.NamedAttrMap & tf.SumAttrs;
  const axes = tf.util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
  const leading = axes.length < x.shape.length && axes.every((value, i) => value === i);
  const size = tf.util.sizeFromShape(x.shape);
  if (!leading || x.dtype !== 'float32' || axes.length === 0 || size === 0) return undefined;

  const backend = anyBackend as BackendWasm;
  const keptShape = x.shape.slice(axes.length);
  const columns = tf.util.sizeFromShape(keptShape);
  const rows = size / columns;
  const result = backend.makeOutput(keepDims ? [...axes.map(() => 1), ...keptShape] : keptShape, 'float32');
  kernels.sumRows(addressOf(backend, x), addressOf(backend, result), rows, columns);
  if (average) {
    const values = backend.typedArrayFromHeap(result);
    for (let i = 0; i < columns; i++) values[i]! /= rows;
  }
  return result;
}
