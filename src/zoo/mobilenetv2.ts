// MobileNetV2 (Sandler et al., 2018), table 2: inverted residuals with linear bottlenecks. For small images the first
// convolution and the first two reductions keep the size, so that 32x32 ends in 4x4.

import type * as tfl from '@tensorflow/tfjs-layers';
import type { Architecture } from './architecture.js';
import type { LayerKit } from './layerKit.js';

type Tensor = tfl.SymbolicTensor;

/** Rows of table 2: expansion, output channels, blocks, stride of the first block. */
const ROWS = [
  [1, 16, 1, 1],
  [6, 24, 2, 1],
  [6, 32, 3, 2],
  [6, 64, 4, 2],
  [6, 96, 3, 1],
  [6, 160, 3, 2],
  [6, 320, 1, 1],
] as const;

function addPointwise(kit: LayerKit, x: Tensor, name: string, filters: number, active: boolean): Tensor {
  const y = kit.batchNorm(kit.conv(x, `${name}_conv`, filters, { kernel: 1 }), `${name}_bn`);
  return active ? kit.relu6(y, `${name}_relu`) : y;
}

function addBlock(
  kit: LayerKit,
  input: Tensor,
  name: string,
  expansion: number,
  filters: number,
  stride: number,
): Tensor {
  const channels = input.shape.at(-1) as number;
  let x = expansion === 1 ? input : addPointwise(kit, input, `${name}_expand`, channels * expansion, true);
  x = kit.batchNorm(kit.depthwise(x, `${name}_depthwise`, stride), `${name}_bn`);
  x = kit.relu6(x, `${name}_relu`);
  x = addPointwise(kit, x, `${name}_project`, filters, false);
  return stride === 1 && channels === filters ? kit.add([input, x], `${name}_add`) : x;
}

export const mobilenetv2: Architecture = {
  name: 'mobilenetv2',
  inputRank: 3,
  build(input, kit) {
    let x = kit.conv(input, 'first_conv', kit.scale(32, 8), { kernel: 3 });
    x = kit.relu6(kit.batchNorm(x, 'first_bn'), 'first_relu');
    ROWS.forEach(([expansion, channels, blocks, firstStride], row) => {
      for (let block = 1; block <= blocks; block++) {
        const stride = block === 1 ? firstStride : 1;
        x = addBlock(kit, x, `row${row + 1}_block${block}`, expansion, kit.scale(channels, 8), stride);
      }
    });
    // As in the paper, the last convolution is not narrowed for widths below 1.
    x = addPointwise(kit, x, 'last', Math.max(1280, kit.scale(1280, 8)), true);
    return kit.globalAveragePool(x, 'pool');
  },
};
