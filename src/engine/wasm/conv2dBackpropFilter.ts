// The gradient of a 2D convolution with respect to its filter, which tfjs-backend-wasm lacks.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { addressOf, type WasmKernels, withScratch } from './kernels.js';

/** Output pixels that a tile of sums should meet before it goes back to memory. */
const PIXELS_A_GROUP = 256;

/** Kernel `Conv2DBackpropFilter`: inputs x [B, H, W, Cin] and dy [B, OH, OW, Cout], output [KH, KW, Cin, Cout]. */
export function conv2dBackpropFilterKernel(kernels: WasmKernels): tf.KernelConfig {
  return {
    kernelName: tf.Conv2DBackpropFilter,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend: anyBackend }) => {
      const backend = anyBackend as BackendWasm;
      const { x, dy } = inputs as { x: tf.Tensor4D; dy: tf.Tensor4D };
      const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attrs as tf.NamedAttrMap &
        tf.Conv2DBackpropFilterAttrs;
      if (dataFormat !== 'NHWC') throw new Error(`the wasm engine convolves NHWC images only, not ${dataFormat}`);
      const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
      const { batchSize, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels } = info;
      const { filterHeight, filterWidth, strideHeight, strideWidth, padInfo } = info;

      const group = Math.max(1, Math.min(batchSize, Math.ceil(PIXELS_A_GROUP / (outHeight * outWidth))));
      const framedHeight = (outHeight - 1) * strideHeight + filterHeight;
      const framedWidth = (outWidth - 1) * strideWidth + filterWidth;
      const taps = Math.ceil((filterWidth * inChannels) / 4) * 4;
      const channels = Math.ceil(outChannels / 8) * 8;
      const result = backend.makeOutput(filterShape, 'float32');
      withScratch(
        backend,
        [
          group * framedHeight * framedWidth * inChannels + 4,
          channels === outChannels ? 1 : group * outHeight * outWidth * channels,
          filterHeight * taps * channels,
        ],
        (framed, widened, sums) =>
          kernels.filterGradient(
            ...([
              addressOf(backend, x),
              addressOf(backend, dy),
              addressOf(backend, result),
              framed!,
              widened!,
              sums!,
            ] as const),
            ...([batchSize, group, inHeight, inWidth, inChannels, outHeight, outWidth, outChannels] as const),
            ...([filterHeight, filterWidth, strideHeight, strideWidth] as const),
            ...([padInfo.top, padInfo.left, framedHeight, framedWidth] as const),
          ),
      );
      return result;
    },
  };
}
