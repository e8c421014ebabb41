// VGG (Simonyan and Zisserman, 2015): blocks of 3x3 convolutions, each block followed by 2x2 max pooling. For small
// images the output layer follows the last pooling, without the paper's two layers of 4,096 units.

import type { Architecture } from './architecture.js';

/** @param blocks numbers of maps of each block's convolutions. */
function defineVgg(name: string, blocks: readonly (readonly number[])[]): Architecture {
  return {
    name,
    inputRank: 3,
    build(input, kit) {
      let x = input;
      blocks.forEach((convolutions, block) => {
        convolutions.forEach((filters, i) => {
          const layer = `block${block + 1}_conv${i + 1}`;
          x = kit.conv(x, layer, kit.scale(filters), { kernel: 3, bias: true, activation: 'relu' });
        });
        x = kit.maxPool(x, `block${block + 1}_pool`, 'same');
      });
      return kit.flatten(x, 'flatten');
    },
  };
}

/** Three blocks of two convolutions. */
export const vgg: Architecture = defineVgg('vgg', [
  [16, 16],
  [32, 32],
  [64, 64],
]);

/** Configuration A of the paper. */
export const vgg11: Architecture = defineVgg('vgg-11', [[64], [128], [256, 256], [512, 512], [512, 512]]);
