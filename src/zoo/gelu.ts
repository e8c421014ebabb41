// GELU (Hendrycks and Gimpel, 2016) in its tanh form, x * sigmoid(2u) with u = sqrt(2 / pi) * (x + 0.044715 x^3), with its
// gradient in closed form.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { runFusedKernel } from '../engine/fusedKernels.js';

const SLOPE = 2 * Math.sqrt(2 / Math.PI);
const CUBIC = 0.044715 * SLOPE;

/** The layer. tfjs-layers has the function as `gelu_new`, but cannot load a saved network that names it. */
export class Gelu extends tfl.layers.Layer {
  static className = 'WnnGelu';

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => gelu(Array.isArray(inputs) ? inputs[0] : inputs));
  }
}

tf.serialization.registerClass(Gelu as Parameters<typeof tf.serialization.registerClass>[0]);

/** The function. */
export const gelu = tf.customGrad((input, save) => {
  const x = input as tf.Tensor;
  (save as tf.GradSaveFunc)([x]);
  const [value] = runFusedKernel('gelu', { x }) ?? [tf.mul(x, gate(x))];
  return {
    value,
    // tfjs does not wrap this in tidy.
    gradFunc: (dy: tf.Tensor, [x]: tf.Tensor[]) =>
      runFusedKernel('geluGradient', { dy, x })?.[0] ?? tf.tidy(() => tf.mul(dy, slope(x))),
  };
});

/** sigmoid(2u). */
function gate(x: tf.Tensor): tf.Tensor {
  return tf.sigmoid(tf.mul(x, tf.add(tf.mul(tf.square(x), CUBIC), SLOPE)));
}

/** s (1 + x (1 - s) (2u)') with s = sigmoid(2u). */
function slope(x: tf.Tensor): tf.Tensor {
  const s = gate(x);
  const inner = tf.add(tf.mul(tf.square(x), 3 * CUBIC), SLOPE);
  return tf.mul(s, tf.add(tf.mul(tf.mul(x, inner), tf.sub(1, s)), 1));
}
