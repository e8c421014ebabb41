// A decoder-only transformer for characters, as GPT-2 (Radford et al., 2019): learned positions, blocks of causal
// self-attention and a GELU network of four times the units, each behind a layer normalization and added to its input. Every
// position predicts the next character.

import * as tfl from '@tensorflow/tfjs-layers';
import type { Architecture } from './architecture.js';
import { CausalAttention } from './causalAttention.js';
import { Gelu } from './gelu.js';
import { apply, type LayerKit } from './layerKit.js';
import { LayerNorm } from './layerNorm.js';
import { GPT_DEVIATION, PositionEmbedding, SymbolEmbedding, TiedClasses } from './textLayers.js';

type Tensor = tfl.SymbolicTensor;

/** Units at width 1. */
const UNITS = 64;

function addDense(kit: LayerKit, x: Tensor, name: string, units: number, deviation = GPT_DEVIATION): Tensor {
  const kernelInitializer = tfl.initializers.randomNormal({ mean: 0, stddev: deviation, seed: kit.seedOf(name) });
  return apply(tfl.layers.dense({ name, units, kernelInitializer }), x);
}

const addNorm = (x: Tensor, name: string) => apply(new LayerNorm({ name, epsilon: 1e-5 }), x);

/** @param deviation of the initial kernels that write to the residual stream. */
function addBlock(kit: LayerKit, input: Tensor, name: string, heads: number, deviation: number): Tensor {
  const units = input.shape.at(-1) as number;
  let x = addDense(kit, addNorm(input, `${name}_norm1`), `${name}_attention_qkv`, 3 * units);
  x = apply(new CausalAttention({ name: `${name}_attention`, heads }), x);
  x = addDense(kit, x, `${name}_attention_out`, units, deviation);
  const attended = kit.add([input, x], `${name}_add1`);
  x = addDense(kit, addNorm(attended, `${name}_norm2`), `${name}_dense1`, 4 * units);
  x = addDense(kit, apply(new Gelu({ name: `${name}_gelu` }), x), `${name}_dense2`, units, deviation);
  return kit.add([attended, x], `${name}_add2`);
}

export const gpt: Architecture = {
  name: 'gpt',
  inputRank: 2,
  options: {
    depth: { describe: 'blocks', default: 4, least: 1, most: 24, whole: true },
    heads: {
      describe: 'attention heads; the units are a multiple of them',
      default: 4,
      least: 1,
      most: 16,
      whole: true,
    },
    tied: { describe: 'whether the output layer uses the embedding of the characters', default: true },
  },
  outputsClasses: true,
  build(input, kit, options) {
    const { depth, heads, tied } = options as { depth: number; heads: number; tied: boolean };
    const units = kit.scale(UNITS, heads);
    const embedding = new SymbolEmbedding({ name: 'embedding', units, seed: kit.seedOf('embedding') });
    const [embedded, table] = embedding.apply(input) as Tensor[];
    const positions = new PositionEmbedding({ name: 'positions', units, seed: kit.seedOf('positions') });
    let x = apply(positions, embedded);
    for (let block = 1; block <= depth; block++) {
      x = addBlock(kit, x, `block${block}`, heads, GPT_DEVIATION / Math.sqrt(2 * depth));
    }
    x = addNorm(x, 'norm');
    if (tied) return apply(new TiedClasses({ name: 'classes' }), [x, table]);
    return kit.dense(x, 'classes', input.shape.at(-1) as number, 'softmax');
  },
};
