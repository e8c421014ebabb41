// Builds a TensorFlow.js LayersModel of a network, for users to load, inspect or train with TensorFlow.js. The toolkit's
// own training and forecasting use flat parameters (compute.ts) and need no model.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { MismatchError } from '../errors.js';
import { ExpLayer } from './expLayer.js';
import { type DenseOperation, type Operation, operandsOf } from './graph.js';
import { isModelInput } from './kerasOrder.js';
import type { Network, Penalties } from './network.js';

function denseLayer({ name, units, activation, penalized }: DenseOperation, penalties: Penalties) {
  return tfl.layers.dense({
    name,
    units,
    activation: activation ?? 'linear',
    kernelInitializer: 'zeros',
    ...(penalized && {
      kernelRegularizer: tfl.regularizers.l1({ l1: penalties.kernel }),
      biasRegularizer: tfl.regularizers.l1({ l1: penalties.bias }),
    }),
  });
}

function layerOf(operation: Exclude<Operation, { op: 'input' | 'differences' }>, penalties: Penalties) {
  const { name } = operation;
  switch (operation.op) {
    case 'dense':
      return denseLayer(operation, penalties);
    case 'relu':
      return tfl.layers.reLU({ name });
    case 'tanh':
      return tfl.layers.activation({ name, activation: 'tanh' });
    case 'exp':
      return new ExpLayer({ name });
    case 'leakyRelu':
      return tfl.layers.leakyReLU({ name, alpha: operation.slope });
    case 'multiply':
      return tfl.layers.multiply({ name });
    case 'add':
      return tfl.layers.add({ name });
    case 'concat':
      return tfl.layers.concatenate({ name });
    default:
      return operation satisfies never;
  }
}

/**
 * Builds a model, named layer by layer as the operations of the graph. Its inputs are the graph's inputs and
 * differences, in the order of the graph, each [batch, width]; its output is [batch, outputs]. All parameters are 0 until
 * {@link setParameters}.
 *
 * @param name of the model.
 */
export function buildLayersModel(network: Network, name: string): tfl.LayersModel {
  const { graph, widths, penalties } = network;
  const read = new Set(graph.flatMap((operation) => (isModelInput(operation) ? [] : operandsOf(operation))));
  const inputs: tfl.SymbolicTensor[] = [];
  const outputs = new Map<string, tfl.SymbolicTensor>();
  for (const operation of graph) {
    if (operation.op === 'input' || operation.op === 'differences') {
      // An input that is used only for differences is not an input of the model.
      if (!read.has(operation.name)) continue;
      const input = tfl.input({ name: operation.name, shape: [widths.get(operation.name) as number] });
      inputs.push(input);
      outputs.set(operation.name, input);
    } else {
      const operands = operandsOf(operation).map((operand) => outputs.get(operand) as tfl.SymbolicTensor);
      const layer = layerOf(operation, penalties);
      outputs.set(operation.name, layer.apply(operands.length === 1 ? operands[0] : operands) as tfl.SymbolicTensor);
    }
  }
  return tfl.model({ name, inputs, outputs: outputs.get(graph[graph.length - 1].name) as tfl.SymbolicTensor });
}

/** The variable of one array of a model. */
function variableOf(model: tfl.LayersModel, arrayName: string): tfl.LayerVariable {
  const [layerName, part] = arrayName.split('/');
  return model.getLayer(layerName).weights[part === 'kernel' ? 0 : 1];
}

/**
 * Sets a model's weights from flat parameters.
 *
 * @param model built by {@link buildLayersModel} for the same network.
 * @throws {@link MismatchError} when the number of parameters differs.
 */
export function setParameters(model: tfl.LayersModel, network: Network, parameters: Float32Array): void {
  if (parameters.length !== network.size)
    throw new MismatchError({
      what: `${parameters.length} parameters where the model has ${network.size}`,
      where: model.name,
      remedy: 'give parameters of the same spec',
    });
  tf.tidy(() => {
    for (const { name, shape, start, end } of network.arrays)
      variableOf(model, name).write(tf.tensor(parameters.slice(start, end), shape));
  });
}

/** A model's weights as flat parameters, the inverse of {@link setParameters}. */
export async function getParameters(model: tfl.LayersModel, network: Network): Promise<Float32Array> {
  const parameters = new Float32Array(network.size);
  for (const { name, start } of network.arrays)
    parameters.set((await variableOf(model, name).read().data()) as Float32Array, start);
  return parameters;
}
