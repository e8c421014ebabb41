// The network on whatever tfjs backend is open: TensorFlow's native library, WebGPU, wasm or plain JavaScript. Works on
// tfjs-core operations rather than on a LayersModel, so that parameters stay one flat array.

import * as tf from '@tensorflow/tfjs-core';
// For its side effect: it registers the gradients of the operations, which tfjs-core alone does not.
import '@tensorflow/tfjs-layers';
import type { Loss, WnnCompute } from './compute.js';
import { LEAK, layoutOf, streamsOf } from './layout.js';
import type { WnnSpec } from './spec.js';

type Activation = 'linear' | 'relu' | 'leakyrelu';

/** Mean loss over all answers. Its gradient is written out, so that ties have none whatever the backend does. */
function meanLoss(loss: Loss, answers: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
  const lossWithGradient = tf.customGrad((...inputs) => {
    const [predicted, save] = inputs as [tf.Tensor, tf.GradSaveFunc];
    const errors = tf.sub(predicted, targets);
    const magnitudes = tf.abs(errors);
    const signs = tf.sign(errors);
    let values: tf.Tensor;
    let slopes: tf.Tensor;
    switch (loss) {
      case 'mae':
        values = magnitudes;
        slopes = signs;
        break;
      case 'mse':
        values = tf.mul(errors, errors);
        slopes = tf.mul(errors, 2);
        break;
      case 'huber': {
        // e^2 / 2 up to 1, |e| - 1/2 beyond: with m = min(|e|, 1) both are m (|e| - m / 2), and the slope is m sign(e).
        const clipped = tf.minimum(magnitudes, 1);
        values = tf.mul(clipped, tf.sub(magnitudes, tf.div(clipped, 2)));
        slopes = tf.mul(clipped, signs);
        break;
      }
      default:
        return loss satisfies never;
    }
    save([slopes]);
    return {
      value: tf.mean(values),
      gradFunc: (dy: tf.Tensor, saved: tf.Tensor[]) => tf.mul(saved[0], tf.div(dy, errors.size)),
    };
  });
  return lossWithGradient(answers) as tf.Scalar;
}

/**
 * Makes a {@link WnnCompute} on the tfjs backend that is current when its methods are called. Leaves no tensors behind.
 */
export function createTfjsCompute(spec: WnnSpec): WnnCompute {
  const { layers, size } = layoutOf(spec);
  const length = spec.inputLength;
  const outputs = spec.horizons.length;

  /** Kernel and bias of each layer, in the order of the layout. */
  const uploadParameters = (parameters: Float32Array): tf.Tensor[] =>
    layers.flatMap(({ inputs, units, kernel, bias }) => [
      tf.tensor2d(parameters.slice(kernel, bias), [inputs, units]),
      tf.tensor1d(parameters.slice(bias, bias + units)),
    ]);

  const applyNetwork = (arrays: tf.Tensor[], windows: tf.Tensor2D): tf.Tensor2D => {
    const dense = (name: string, input: tf.Tensor2D, activation: Activation = 'linear'): tf.Tensor2D => {
      const i = layers.findIndex((layer) => layer.name === name);
      const [kernel, bias] = [arrays[2 * i] as tf.Tensor2D, arrays[2 * i + 1]];
      return tf.fused.matMul({ a: input, b: kernel, bias, activation, leakyreluAlpha: LEAK }) as tf.Tensor2D;
    };
    const streams = streamsOf(spec).map((stream) => {
      const input =
        stream === 'values'
          ? windows
          : tf.sub<tf.Tensor2D>(tf.slice2d(windows, [0, 1], [-1, -1]), tf.slice2d(windows, [0, 0], [-1, length - 1]));
      const features = dense(`${stream}_in`, input, spec.activation === 'relu' ? 'relu' : 'linear');
      if (spec.activation === 'relu') return dense(`${stream}_out`, features, 'leakyrelu');
      const code = dense(`${stream}_code`, features, 'relu');
      const powers = tf.exp(tf.mul(dense(`${stream}_exp`, code), features));
      const activated = tf.add<tf.Tensor2D>(tf.mul(dense(`${stream}_mul`, code), powers), dense(`${stream}_add`, code));
      return dense(`${stream}_out`, activated, 'leakyrelu');
    });
    return tf.tanh(dense('head', streams.length === 1 ? streams[0] : tf.concat2d(streams, 1)));
  };

  const uploadRows = (rows: Float32Array, count: number, width: number): tf.Tensor2D =>
    tf.tensor2d(rows.slice(0, count * width), [count, width]);

  return {
    spec,
    get description() {
      return `tfjs ${tf.getBackend()}`;
    },

    async forward(parameters, windows, count, answers) {
      if (count === 0) return;
      const result = tf.tidy(() => applyNetwork(uploadParameters(parameters), uploadRows(windows, count, length)));
      try {
        answers.set((await result.data()) as Float32Array);
      } finally {
        result.dispose();
      }
    },

    async lossAndGradients(parameters, windows, targets, count, loss, gradients) {
      const result = tf.tidy(() => {
        const input = uploadRows(windows, count, length);
        const wanted = uploadRows(targets, count, outputs);
        const { value, grads } = tf.valueAndGrads((...arrays: tf.Tensor[]) =>
          meanLoss(loss, applyNetwork(arrays, input), wanted),
        )(uploadParameters(parameters));
        // One array with the loss at its end: a single transfer from the device.
        return tf.concat1d([
          ...grads.map((gradient) => tf.reshape<tf.Rank.R1>(gradient, [-1])),
          tf.reshape<tf.Rank.R1>(value, [1]),
        ]);
      });
      try {
        const numbers = (await result.data()) as Float32Array;
        gradients.set(numbers.subarray(0, size));
        return numbers[size];
      } finally {
        result.dispose();
      }
    },

    async dispose() {},
  };
}
