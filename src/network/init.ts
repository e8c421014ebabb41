// Initializes the parameters of a network. Each layer draws from its own seeded stream, so that they are the same on
// every engine.

import { Random } from '../random.js';
import type { DenseLayer, Network } from './network.js';

/** Limit of the uniform distribution of a layer's kernel: sqrt(3 * variance). */
function kernelLimit({ operation: { initializer = 'glorot' }, inputs, units }: DenseLayer): number {
  return initializer === 'glorot' ? Math.sqrt(6 / (inputs + units)) : Math.sqrt((3 * initializer) / inputs);
}

/**
 * Draws the initial parameters of a network: kernels by their initializers, zero biases.
 *
 * @param seed the same seed gives the same parameters.
 * @returns flat parameters in the network's layout.
 */
export function initParameters({ layers, size }: Network, seed: number | string): Float32Array {
  const parameters = new Float32Array(size);
  for (const layer of layers) {
    const random = new Random(seed, 'init', layer.name);
    const limit = kernelLimit(layer);
    for (let i = layer.kernel; i < layer.bias; i++) parameters[i] = (2 * random.uniform() - 1) * limit;
  }
  return parameters;
}
