// Labeled images in memory: stored as bytes, converted to floats in batches.

import * as tf from '@tensorflow/tfjs-core';
import { MismatchError } from '../errors.js';
import { type AugmentationDraw, applyMap, drawMap } from './augmentation.js';
import type { ImageShape } from './imageShape.js';
import type { Batch, Examples } from './taskData.js';

/** Every byte as the float32 nearest to byte / 255. */
const UNIT = Float32Array.from({ length: 256 }, (_, byte) => byte / 255);

/** Images of one shape with a class index each. */
export class ImageExamples implements Examples {
  readonly augmentable = true;

  /**
   * @param shape of one image.
   * @param pixels all images one after another, [count, height, width, channels], 0 to 255.
   * @param labels class index of each image.
   * @throws {@link MismatchError} when the numbers of images and labels differ.
   */
  constructor(
    readonly shape: ImageShape,
    readonly pixels: Uint8Array,
    readonly labels: Uint8Array,
  ) {
    if (pixels.length !== labels.length * this.imageSize) {
      throw new MismatchError({
        what: `${pixels.length / this.imageSize} images but ${labels.length} labels`,
        where: `images of shape [${shape}]`,
        remedy: 'give one label for each image',
      });
    }
  }

  get count(): number {
    return this.labels.length;
  }

  /** Bytes of one image. */
  get imageSize(): number {
    return this.shape[0] * this.shape[1] * this.shape[2];
  }

  /** The images with the given indices, in that order. */
  subset(indices: Uint32Array): ImageExamples {
    const size = this.imageSize;
    const pixels = new Uint8Array(indices.length * size);
    const labels = new Uint8Array(indices.length);
    for (let i = 0; i < indices.length; i++) {
      const from = indices[i] * size;
      pixels.set(this.pixels.subarray(from, from + size), i * size);
      labels[i] = this.labels[indices[i]];
    }
    return new ImageExamples(this.shape, pixels, labels);
  }

  /** xs [n, height, width, channels] in [0, 1], ys [n, 1]. */
  takeBatch(indices: Uint32Array, augmentation?: AugmentationDraw): Batch {
    const size = this.imageSize;
    const values = new Float32Array(indices.length * size);
    const labels = new Float32Array(indices.length);
    for (let i = 0; i < indices.length; i++) {
      const from = indices[i] * size;
      const to = i * size;
      if (augmentation === undefined) {
        for (let p = 0; p < size; p++) values[to + p] = UNIT[this.pixels[from + p]];
      } else {
        applyMap(drawMap(augmentation, this.shape), this.shape, this.pixels, from, UNIT, values, to);
      }
      labels[i] = this.labels[indices[i]];
    }
    return {
      xs: tf.tensor4d(values, [indices.length, ...this.shape]),
      ys: tf.tensor2d(labels, [indices.length, 1]),
    };
  }
}
