// Computes a network on the current TensorFlow.js backend: native TensorFlow, WebGPU, wasm or plain JavaScript.
// Interprets the graph with tfjs-core operations instead of a LayersModel, so that parameters stay one flat array.

import * as tf from '@tensorflow/tfjs-core';
// Side-effect import: registers the gradients of the operations.
import '@tensorflow/tfjs-layers';
import type { Loss, NetworkCompute } from './compute.js';
import { type Operation, operandsOf } from './graph.js';
import type { Network } from './network.js';
import type { NowcasterSpec } from './spec.js';

/** Mean loss over all outputs. The gradient is explicit, so that it is 0 at an error of 0 on every backend. */
function meanLoss(loss: Loss, outputs: tf.Tensor2D, targets: tf.Tensor2D): tf.Scalar {
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
  return lossWithGradient(outputs) as tf.Scalar;
}

/** Kernel and bias of each layer, in the order of the network's arrays. */
function uploadParameters({ arrays }: Network, parameters: Float32Array): tf.Tensor[] {
  return arrays.map(({ shape, start, end }) => tf.tensor(parameters.slice(start, end), shape));
}

/** Splits rows into the columns of each named input. */
function splitInputs({ inputs }: Network, rows: tf.Tensor2D): Record<string, tf.Tensor2D> {
  if (inputs.length === 1) return { [inputs[0].name]: rows };
  const parts = tf.split(
    rows,
    inputs.map(({ width }) => width),
    1,
  );
  return Object.fromEntries(inputs.map(({ name }, i) => [name, parts[i] as tf.Tensor2D]));
}

/** The network's outputs, [batch, horizons]. */
function applyGraph(network: Network, parameters: readonly tf.Tensor[], rows: tf.Tensor2D): tf.Tensor2D {
  const columns = splitInputs(network, rows);
  const layerIndices = new Map(network.layers.map(({ name }, i) => [name, i]));
  const values = new Map<string, tf.Tensor2D>();
  const apply = (operation: Operation): tf.Tensor2D => {
    const [a, b] = operandsOf(operation).map((name) => values.get(name) as tf.Tensor2D);
    switch (operation.op) {
      case 'input':
        return columns[operation.input];
      case 'differences':
        return tf.sub(tf.slice2d(a, [0, 1], [-1, -1]), tf.slice2d(a, [0, 0], [-1, a.shape[1] - 1]));
      case 'dense': {
        const i = layerIndices.get(operation.name) as number;
        const [kernel, bias] = [parameters[2 * i] as tf.Tensor2D, parameters[2 * i + 1]];
        const activation = operation.activation === 'relu' ? 'relu' : 'linear';
        const sums = tf.fused.matMul({ a, b: kernel, bias, activation }) as tf.Tensor2D;
        return operation.activation === 'tanh' ? tf.tanh(sums) : sums;
      }
      case 'relu':
        return tf.relu(a);
      case 'exp':
        return tf.exp(a);
      case 'tanh':
        return tf.tanh(a);
      case 'leakyRelu':
        return tf.leakyRelu(a, operation.slope);
      case 'multiply':
        return tf.mul(a, b);
      case 'add':
        return tf.add(a, b);
      case 'concat':
        return tf.concat2d(
          operation.of.map((name) => values.get(name) as tf.Tensor2D),
          1,
        );
      default:
        return operation satisfies never;
    }
  };
  for (const operation of network.graph) values.set(operation.name, apply(operation));
  return values.get(network.graph[network.graph.length - 1].name) as tf.Tensor2D;
}

/**
 * Creates a {@link NetworkCompute} on the tfjs backend that is current when its methods are called. It leaks no tensors.
 */
export function createTfjsCompute(spec: NowcasterSpec, network: Network): NetworkCompute {
  const { size, inputWidth, outputWidth } = network;

  const uploadRows = (rows: Float32Array, count: number, width: number): tf.Tensor2D =>
    tf.tensor2d(rows.slice(0, count * width), [count, width]);

  return {
    spec,
    get description() {
      return `tfjs ${tf.getBackend()}`;
    },

    async forward(parameters, inputs, count, outputs) {
      if (count === 0) return;
      const result = tf.tidy(() =>
        applyGraph(network, uploadParameters(network, parameters), uploadRows(inputs, count, inputWidth)),
      );
      try {
        outputs.set((await result.data()) as Float32Array);
      } finally {
        result.dispose();
      }
    },

    async lossAndGradients(parameters, inputs, targets, count, loss, gradients) {
      const result = tf.tidy(() => {
        const rows = uploadRows(inputs, count, inputWidth);
        const wanted = uploadRows(targets, count, outputWidth);
        const { value, grads } = tf.valueAndGrads((...arrays: tf.Tensor[]) =>
          meanLoss(loss, applyGraph(network, arrays, rows), wanted),
        )(uploadParameters(network, parameters));
        // The loss is appended to the gradients for a single transfer from the device.
        return tf.concat1d([
          ...grads.map((gradient) => tf.reshape<tf.Rank.R1>(gradient, [-1])),
          tf.reshape<tf.Rank.R1>(value, [1]),
        ]);
      });
      try {
        const values = (await result.data()) as Float32Array;
        gradients.set(values.subarray(0, size));
        return values[size];
      } finally {
        result.dispose();
      }
    },

    async dispose() {},
  };
}
