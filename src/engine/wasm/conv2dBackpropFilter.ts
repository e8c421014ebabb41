// The gradient of a 2D convolution with respect to its filter, which tfjs-backend-wasm lacks, as one of its own
// convolutions: with batch and channels exchanged, the output's gradient slides over the input as if it were a filter.

import * as tf from '@tensorflow/tfjs-core';

/** Kernel `Conv2DBackpropFilter`: inputs x [B, H, W, Cin] and dy [B, OH, OW, Cout], output [KH, KW, Cin, Cout]. */
export const conv2dBackpropFilterKernel: tf.KernelConfig = {
  kernelName: tf.Conv2DBackpropFilter,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const { x, dy } = inputs as tf.Conv2DBackpropFilterInputs as unknown as { x: tf.Tensor4D; dy: tf.Tensor4D };
    const { strides, pad, dataFormat, dimRoundingMode, filterShape } = attrs as unknown as tf.Conv2DBackpropFilterAttrs;
    if (dataFormat !== 'NHWC') throw new Error(`the wasm engine convolves NHWC images only, not ${dataFormat}`);
    const info = tf.backend_util.computeConv2DInfo(x.shape, filterShape, strides, 1, pad, dimRoundingMode);
    const { top, bottom, left, right } = info.padInfo;
    return tf.tidy(() => {
      const images = tf.transpose(x, [3, 1, 2, 0]);
      const filter = tf.transpose(dy, [1, 2, 0, 3]);
      const padding: tf.backend_util.ExplicitPadding = [
        [0, 0],
        [top, bottom],
        [left, right],
        [0, 0],
      ];
      const dilations: [number, number] = [info.strideHeight, info.strideWidth];
      const slid = tf.conv2d<tf.Tensor4D>(images, filter, 1, padding, 'NHWC', dilations);
      // Rows and columns past the filter's own answer to input that no stride reaches.
      const [inChannels, , , outChannels] = slid.shape;
      const kernel = tf.slice(slid, 0, [inChannels, info.filterHeight, info.filterWidth, outChannels]);
      return tf.transpose(kernel, [1, 2, 0, 3]);
    });
  },
};
