// min(max(x, 0), 6) with a gradient of operations that are fast on every engine. The gradient of tfjs uses comparisons,
// which on wasm take longer than the convolution before it. Saved as tfjs-layers' activation layer.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

/** The layer. */
export class Relu6 extends tfl.layers.Layer {
  static className = 'Activation';

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => relu6(Array.isArray(inputs) ? inputs[0] : inputs));
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), activation: 'relu6' };
  }
}

/** The function, with gradient 1 between 0 and 6 and 0 elsewhere. */
export const relu6 = tf.customGrad((x, save) => {
  const y = tf.clipByValue(x as tf.Tensor, 0, 6);
  (save as tf.GradSaveFunc)([y]);
  return {
    value: y,
    // tfjs does not wrap this in tidy.
    gradFunc: (dy: tf.Tensor, [y]: tf.Tensor[]) => tf.tidy(() => tf.mul(dy, tf.mul(tf.step(y), tf.step(tf.sub(6, y))))),
  };
});
