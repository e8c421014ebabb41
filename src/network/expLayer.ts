// An element-wise exponential layer, which tfjs-layers lacks. Importing this module registers it, so that
// `tf.loadLayersModel` loads exported nowcasters.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

/** `exp(x)`, element-wise; no weights, no settings. */
export class ExpLayer extends tfl.layers.Layer {
  /** Class name in model.json files. */
  static className = 'WnnExp';

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.exp(Array.isArray(inputs) ? inputs[0] : inputs);
  }

  override computeOutputShape(inputShape: tfl.Shape | tfl.Shape[]): tfl.Shape | tfl.Shape[] {
    return inputShape;
  }
}

tf.serialization.registerClass(ExpLayer);
