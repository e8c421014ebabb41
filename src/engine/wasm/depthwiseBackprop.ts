// The gradients of a depthwise 2D convolution, which tfjs-backend-wasm lacks, composed of its own operations.

import * as tf from '@tensorflow/tfjs-core';
import { framePixels, spreadPixels } from './pixels.js';

type DepthwiseAttrs = Pick<
  tf.DepthwiseConv2dNativeBackpropInputAttrs,
  'strides' | 'pad' | 'dimRoundingMode' | 'dilations'
>;

function describeConvolution(
  inputShape: [number, number, number, number],
  filterShape: [number, number, number, number],
  { strides, dilations, pad, dimRoundingMode }: DepthwiseAttrs,
) {
  return tf.backend_util.computeConv2DInfo(inputShape, filterShape, strides, dilations, pad, dimRoundingMode, true);
}

/**
 * Kernel `DepthwiseConv2dNativeBackpropInput`: inputs dy [B, OH, OW, C * M] and filter [KH, KW, C, M], output
 * [B, H, W, C]. The output's gradient, with zeros between its pixels where strides skipped input, is convolved with the
 * filter turned by half a circle.
 */
export const depthwiseBackpropInputKernel: tf.KernelConfig = {
  kernelName: tf.DepthwiseConv2dNativeBackpropInput,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const { dy, filter } = inputs as unknown as { dy: tf.Tensor4D; filter: tf.Tensor4D };
    const { inputShape, ...convolution } = attrs as unknown as tf.DepthwiseConv2dNativeBackpropInputAttrs;
    const info = describeConvolution(inputShape, filter.shape, convolution);
    const { batchSize, inHeight, inWidth, outHeight, outWidth, inChannels, strideHeight, strideWidth } = info;
    const { dilationHeight, dilationWidth, effectiveFilterHeight, effectiveFilterWidth, padInfo } = info;
    const multiplier = filter.shape[3];
    return tf.tidy(() => {
      const turned = tf.reverse(filter, [0, 1]);
      const perMultiplier = tf.reshape(dy, [-1, inChannels, multiplier]);
      const parts: tf.Tensor4D[] = [];
      for (let m = 0; m < multiplier; m++) {
        const flat = multiplier === 1 ? dy : tf.slice(perMultiplier, [0, 0, m], [-1, -1, 1]);
        const spread = spreadPixels(
          tf.reshape(flat, [batchSize, outHeight, outWidth, inChannels]),
          strideHeight,
          strideWidth,
        );
        const framed = framePixels(spread, {
          top: effectiveFilterHeight - 1 - padInfo.top,
          left: effectiveFilterWidth - 1 - padInfo.left,
          height: inHeight + effectiveFilterHeight - 1,
          width: inWidth + effectiveFilterWidth - 1,
        });
        const kernel = tf.slice(turned, [0, 0, 0, m], [-1, -1, -1, 1]);
        parts.push(tf.depthwiseConv2d(framed, kernel, 1, 'valid', 'NHWC', [dilationHeight, dilationWidth]));
      }
      return parts.length === 1 ? parts[0]! : tf.addN(parts);
    });
  },
};

/**
 * Kernel `DepthwiseConv2dNativeBackpropFilter`: inputs x [B, H, W, C] and dy [B, OH, OW, C * M], output [KH, KW, C, M].
 * Each tap of the filter is the sum over all output pixels of the gradient times the input pixel under that tap.
 */
export const depthwiseBackpropFilterKernel: tf.KernelConfig = {
  kernelName: tf.DepthwiseConv2dNativeBackpropFilter,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const { x, dy } = inputs as unknown as { x: tf.Tensor4D; dy: tf.Tensor4D };
    const { filterShape, ...convolution } = attrs as unknown as tf.DepthwiseConv2dNativeBackpropFilterAttrs;
    const info = describeConvolution(x.shape, filterShape, convolution);
    const { batchSize, outHeight, outWidth, inChannels, strideHeight, strideWidth, padInfo } = info;
    const { dilationHeight, dilationWidth, filterHeight, filterWidth } = info;
    const multiplier = filterShape[3];
    return tf.tidy(() => {
      const padded = tf.pad(x, [
        [0, 0],
        [padInfo.top, padInfo.bottom],
        [padInfo.left, padInfo.right],
        [0, 0],
      ]);
      const gradient = tf.reshape(dy, [batchSize * outHeight * outWidth, inChannels, multiplier]);
      const taps: tf.Tensor[] = [];
      for (let row = 0; row < filterHeight; row++) {
        for (let column = 0; column < filterWidth; column++) {
          const top = row * dilationHeight;
          const left = column * dilationWidth;
          const under = tf.stridedSlice(
            padded,
            [0, top, left, 0],
            [batchSize, top + (outHeight - 1) * strideHeight + 1, left + (outWidth - 1) * strideWidth + 1, inChannels],
            [1, strideHeight, strideWidth, 1],
          );
          taps.push(tf.sum(tf.mul(tf.reshape(under, [-1, inChannels, 1]), gradient), 0));
        }
      }
      return tf.reshape(tf.stack(taps), filterShape);
    });
  },
};
