// The gradient of a 2D convolution with respect to its input, as a convolution of the output's gradient with the filter
// rotated by 180 degrees. tfjs-backend-wasm implements it in plain loops; its convolution is several times as fast.

import * as tf from '@tensorflow/tfjs-core';
import { framePixels, spreadPixels } from './pixels.js';

/** Kernel `Conv2DBackpropInput`: inputs dy [B, OH, OW, Cout] and filter [KH, KW, Cin, Cout], output [B, H, W, Cin]. */
export const conv2dBackpropInputKernel: tf.KernelConfig = {
  kernelName: tf.Conv2DBackpropInput,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const { dy, filter } = inputs as { dy: tf.Tensor4D; filter: tf.Tensor4D };
    const { strides, pad, dataFormat, dimRoundingMode, inputShape } = attrs as tf.NamedAttrMap &
      tf.Conv2DBackpropInputAttrs;
    if (dataFormat !== 'NHWC') throw new Error(`the wasm engine convolves NHWC images only, not ${dataFormat}`);
    const info = tf.backend_util.computeConv2DInfo(inputShape, filter.shape, strides, 1, pad, dimRoundingMode);
    return tf.tidy(() => {
      const rotated = info.filterHeight * info.filterWidth === 1 ? filter : tf.reverse(filter, [0, 1]);
      const turned = tf.transpose(rotated, [0, 1, 3, 2]) as tf.Tensor4D;
      const framed = framePixels(spreadPixels(dy, info.strideHeight, info.strideWidth), {
        top: info.filterHeight - 1 - info.padInfo.top,
        left: info.filterWidth - 1 - info.padInfo.left,
        height: info.inHeight + info.filterHeight - 1,
        width: info.inWidth + info.filterWidth - 1,
      });
      return tf.conv2d(framed, turned, 1, 'valid');
    });
  },
};
