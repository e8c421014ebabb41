// The gradient of max pooling. tfjs-backend-wasm implements it in scalar loops; this one processes four channels at a
// time and, like the pure JavaScript backend, assigns the gradient to the first of equal maxima.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { addressOf, type WasmKernels } from './kernels.js';

/** Kernel `MaxPoolGrad`: inputs dy [B, OH, OW, C] and input [B, H, W, C], output [B, H, W, C]. */
export function maxPoolGradKernel(kernels: WasmKernels): tf.KernelConfig {
  return {
    kernelName: tf.MaxPoolGrad,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend: anyBackend }) => {
      const backend = anyBackend as BackendWasm;
      const { dy, input } = inputs as { dy: tf.Tensor4D; input: tf.Tensor4D };
      const { filterSize, strides, pad, dimRoundingMode } = attrs as tf.NamedAttrMap & tf.MaxPoolGradAttrs;
      const info = tf.backend_util.computePool2DInfo(input.shape, filterSize, strides, 1, pad, dimRoundingMode);
      const result = backend.makeOutput(input.shape, 'float32');
      kernels.maxPoolGradient(
        ...([addressOf(backend, input), addressOf(backend, dy), addressOf(backend, result)] as const),
        ...([info.batchSize, info.inHeight, info.inWidth, info.inChannels, info.outHeight, info.outWidth] as const),
        ...([info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth] as const),
        ...([info.padInfo.top, info.padInfo.left] as const),
      );
      return result;
    },
  };
}
