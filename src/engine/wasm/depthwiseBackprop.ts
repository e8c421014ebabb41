// The gradients of a depthwise 2D convolution, which tfjs-backend-wasm lacks. Several filters per channel (M) are computed
// as one filter on each of C * M channels.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { addressOf, type WasmKernels } from './kernels.js';

type Shape = [number, number, number, number];
type DepthwiseAttrs = Pick<
  tf.DepthwiseConv2dNativeBackpropInputAttrs,
  'strides' | 'pad' | 'dimRoundingMode' | 'dilations'
>;

/** The sizes that both kernels take, in their order. */
function describeConvolution(inputShape: Shape, filterShape: Shape, attrs: DepthwiseAttrs) {
  const { strides, dilations, pad, dimRoundingMode } = attrs;
  const info = tf.backend_util.computeConv2DInfo(
    ...([inputShape, filterShape, strides, dilations, pad, dimRoundingMode, true] as const),
  );
  if (info.dilationHeight !== 1 || info.dilationWidth !== 1) {
    throw new Error('the wasm engine has no gradient of a depthwise convolution with dilation');
  }
  return [
    ...[info.batchSize, info.inHeight, info.inWidth, info.outChannels, info.outHeight, info.outWidth],
    ...[info.filterHeight, info.filterWidth, info.strideHeight, info.strideWidth, info.padInfo.top, info.padInfo.left],
  ] as Parameters<WasmKernels['depthwiseInputGradient']> extends [number, number, number, ...infer Sizes]
    ? Sizes
    : never;
}

/**
 * Kernel `DepthwiseConv2dNativeBackpropInput`: inputs dy [B, OH, OW, C * M] and filter [KH, KW, C, M], output
 * [B, H, W, C].
 */
export function depthwiseBackpropInputKernel(kernels: WasmKernels): tf.KernelConfig {
  return {
    kernelName: tf.DepthwiseConv2dNativeBackpropInput,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend: anyBackend }) => {
      const backend = anyBackend as BackendWasm;
      const { dy, filter } = inputs as { dy: tf.Tensor4D; filter: tf.Tensor4D };
      const { inputShape, ...convolution } = attrs as tf.NamedAttrMap & tf.DepthwiseConv2dNativeBackpropInputAttrs;
      const sizes = describeConvolution(inputShape, filter.shape, convolution);
      const multiplier = filter.shape[3];
      const result = backend.makeOutput([...inputShape, multiplier], 'float32');
      kernels.depthwiseInputGradient(
        addressOf(backend, dy),
        addressOf(backend, filter),
        addressOf(backend, result),
        ...sizes,
      );
      if (multiplier === 1) return { ...result, shape: inputShape };
      return tf.tidy(() => tf.sum(tf.engine().makeTensorFromTensorInfo(result), 4));
    },
  };
}

/**
 * Kernel `DepthwiseConv2dNativeBackpropFilter`: inputs x [B, H, W, C] and dy [B, OH, OW, C * M], output [KH, KW, C, M].
 */
export function depthwiseBackpropFilterKernel(kernels: WasmKernels): tf.KernelConfig {
  return {
    kernelName: tf.DepthwiseConv2dNativeBackpropFilter,
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend: anyBackend }) => {
      const backend = anyBackend as BackendWasm;
      const { x, dy } = inputs as { x: tf.Tensor4D; dy: tf.Tensor4D };
      const { filterShape, ...convolution } = attrs as tf.NamedAttrMap & tf.DepthwiseConv2dNativeBackpropFilterAttrs;
      const sizes = describeConvolution(x.shape, filterShape, convolution);
      const result = backend.makeOutput(filterShape, 'float32');
      tf.tidy(() => {
        const repeated = filterShape[3] === 1 ? x : tf.mul(tf.expandDims(x, 4), tf.ones([filterShape[3]]));
        kernels.depthwiseFilterGradient(
          addressOf(backend, repeated),
          addressOf(backend, dy),
          addressOf(backend, result),
          ...sizes,
        );
      });
      return result;
    },
  };
}
