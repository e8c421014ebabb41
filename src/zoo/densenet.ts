// DenseNet-BC for small images (Huang et al., 2017, section 3): 40 layers in three dense blocks, growth rate 12,
// bottlenecks of four times the growth rate, transitions that halve the channels.

import type * as tfl from '@tensorflow/tfjs-layers';
import type { Architecture } from './architecture.js';
import type { LayerKit } from './layerKit.js';

type Tensor = tfl.SymbolicTensor;

const GROWTH = 12;
const BLOCKS = 3;
/** Layers of a block: each has two convolutions; (40 - 4) / 3 / 2. */
const LAYERS = 6;

/** Batch norm, ReLU, convolution: DenseNet's order. */
function addConv(kit: LayerKit, x: Tensor, name: string, filters: number, kernel: number): Tensor {
  const active = kit.relu(kit.batchNorm(x, `${name}_bn`), `${name}_relu`);
  return kit.conv(active, `${name}_conv`, filters, { kernel });
}

export const densenet: Architecture = {
  name: 'densenet',
  inputRank: 3,
  build(input, kit) {
    const growth = kit.scale(GROWTH);
    let x = kit.conv(input, 'first_conv', 2 * growth, { kernel: 3 });
    for (let block = 1; block <= BLOCKS; block++) {
      for (let layer = 1; layer <= LAYERS; layer++) {
        const name = `block${block}_layer${layer}`;
        const bottleneck = addConv(kit, x, `${name}_bottleneck`, 4 * growth, 1);
        x = kit.concat([x, addConv(kit, bottleneck, `${name}_grow`, growth, 3)], `${name}_concat`);
      }
      if (block < BLOCKS) {
        const name = `transition${block}`;
        x = addConv(kit, x, name, Math.floor((x.shape.at(-1) as number) / 2), 1);
        x = kit.averagePool(x, `${name}_pool`);
      }
    }
    x = kit.relu(kit.batchNorm(x, 'last_bn'), 'last_relu');
    return kit.globalAveragePool(x, 'pool');
  },
};
