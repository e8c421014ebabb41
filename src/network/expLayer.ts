// The one layer of the network that tfjs-layers does not have: the exponential, element by element. Importing this
// module registers it, so that plain `tf.loadLayersModel` opens exported nowcasters.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

/** `exp(x)`, element by element; no weights, no settings. */
export class ExpLayer extends tfl.layers.Layer {
  /** Name under which model.json files refer to it. */
  static className = 'WnnExp';

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.exp(Array.isArray(inputs) ? inputs[0] : inputs);
  }

  override computeOutputShape(inputShape: tfl.Shape | tfl.Shape[]): tfl.Shape | tfl.Shape[] {
    return inputShape;
  }
}

tf.serialization.registerClass(ExpLayer);
