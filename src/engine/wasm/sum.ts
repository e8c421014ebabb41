// Sums over leading axes, as the gradients of biases and the means of batch normalisation take them. The kernel of
// tfjs-backend-wasm transposes its input first; other sums are left to it.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { addressOf, type WasmKernels } from './kernels.js';

/** Kernel `Sum`: input x, output x summed over `axis`. */
export function sumKernel(kernels: WasmKernels, original: tf.KernelConfig): tf.KernelConfig {
  return {
    ...original,
    kernelFunc: (args) => {
      const { x } = args.inputs as unknown as { x: tf.TensorInfo };
      const { axis, keepDims } = args.attrs as unknown as tf.SumAttrs;
      const axes = tf.util.parseAxisParam(axis, x.shape).sort((a, b) => a - b);
      const leading = axes.length < x.shape.length && axes.every((value, i) => value === i);
      if (!leading || x.dtype !== 'float32' || axes.length === 0) return original.kernelFunc(args);

      const backend = args.backend as BackendWasm;
      const keptShape = x.shape.slice(axes.length);
      const columns = tf.util.sizeFromShape(keptShape);
      const rows = tf.util.sizeFromShape(x.shape) / Math.max(1, columns);
      const result = backend.makeOutput(keepDims ? [...axes.map(() => 1), ...keptShape] : keptShape, 'float32');
      kernels.sumRows(addressOf(backend, x), addressOf(backend, result), rows, columns);
      return result;
    },
  };
}
