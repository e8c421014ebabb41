// Rearranges pixels of images [B, H, W, C] for the gradients of strided and padded convolutions.

import * as tf from '@tensorflow/tfjs-core';

/** Inserts `strideHeight - 1` rows and `strideWidth - 1` columns of zeros after each pixel. */
export function spreadPixels(images: tf.Tensor4D, strideHeight: number, strideWidth: number): tf.Tensor4D {
  if (strideHeight === 1 && strideWidth === 1) return images;
  const [batch, height, width, channels] = images.shape;
  const apart = tf.pad(tf.reshape(images, [batch * height, 1, width, 1, channels]), [
    [0, 0],
    [0, strideHeight - 1],
    [0, 0],
    [0, strideWidth - 1],
    [0, 0],
  ]);
  return tf.reshape(apart, [batch, height * strideHeight, width * strideWidth, channels]);
}

/** The position of images in a larger or smaller frame. */
export interface Framing {
  /** Row of the images' first row in the frame; may be negative. */
  top: number;
  left: number;
  /** Size of the frame. */
  height: number;
  width: number;
}

/** Crops images or pads them with zeros to fill a frame. */
export function framePixels(images: tf.Tensor4D, { top, left, height, width }: Framing): tf.Tensor4D {
  const bottom = height - top - images.shape[1];
  const right = width - left - images.shape[2];
  if (top === 0 && left === 0 && bottom === 0 && right === 0) return images;
  const padded = tf.pad(images, [
    [0, 0],
    [Math.max(0, top), Math.max(0, bottom)],
    [Math.max(0, left), Math.max(0, right)],
    [0, 0],
  ]);
  if (Math.min(top, left, bottom, right) >= 0) return padded;
  return tf.slice(padded, [0, Math.max(0, -top), Math.max(0, -left), 0], [-1, height, width, -1]);
}
