// Repetition of a whole tensor, as in the gradient of batch normalization. The kernel of tfjs-backend-wasm runs in
// JavaScript for each number; it still handles repetitions along inner axes.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';

/** Kernel `Tile`: input x, output x repeated `reps[i]` times along axis i. */
export function tileKernel(original: tf.KernelConfig): tf.KernelConfig {
  return {
    ...original,
    kernelFunc: (args) => {
      const { x } = args.inputs as { x: tf.TensorInfo };
      const { reps } = args.attrs as tf.NamedAttrMap & tf.TileAttrs;
      // Whole when every axis up to the last repeated one has length 1.
      const lastRepeated = reps.findLastIndex((count) => count !== 1);
      const whole = x.shape.slice(0, lastRepeated).every((size) => size === 1);
      const size = tf.util.sizeFromShape(x.shape);
      if (!whole || x.dtype !== 'float32' || size === 0 || reps.length !== x.shape.length) {
        return original.kernelFunc(args);
      }
      const backend = args.backend as BackendWasm;
      const result = backend.makeOutput(
        x.shape.map((size, axis) => size * reps[axis]!),
        'float32',
      );
      const values = backend.typedArrayFromHeap(result);
      values.set(backend.typedArrayFromHeap(x).subarray(0, values.length));
      for (let filled = size; filled < values.length; filled *= 2) {
        values.copyWithin(filled, 0, Math.min(filled, values.length - filled));
      }
      return result;
    },
  };
}
