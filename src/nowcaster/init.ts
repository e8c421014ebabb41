// The numbers that a network starts training from. Drawn by the toolkit's own seeded streams, one a layer, so that the
// start is the same on every engine.

import { Random } from '../random.js';
import { type LayerLayout, layoutOf } from './layout.js';
import type { WnnSpec } from './spec.js';

/** Variance scale of the first and last layers of a stream, as in the paper's code. */
const SMALL_SCALE = 0.1;

/** Half width of the uniform distribution that a layer's kernel is drawn from. */
function kernelLimit(layer: LayerLayout): number {
  // VarianceScaling(0.1, fan_in, uniform) and glorotUniform, as Keras defines them.
  return layer.penalized ? Math.sqrt((3 * SMALL_SCALE) / layer.inputs) : Math.sqrt(6 / (layer.inputs + layer.units));
}

/**
 * Fresh parameters of a network: `VarianceScaling(0.1, fan_in, uniform)` for the kernels of `in` and `out` layers,
 * `glorotUniform` for the others, zero biases.
 *
 * @param seed the training's seed; the same seed gives the same numbers.
 * @returns flat parameters as {@link layoutOf} lays them out.
 */
export function initParameters(spec: WnnSpec, seed: number | string): Float32Array {
  const { layers, size } = layoutOf(spec);
  const parameters = new Float32Array(size);
  for (const layer of layers) {
    const random = new Random(seed, 'init', layer.name);
    const limit = kernelLimit(layer);
    for (let i = layer.kernel; i < layer.bias; i++) parameters[i] = (2 * random.uniform() - 1) * limit;
  }
  return parameters;
}
