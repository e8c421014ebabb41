// MobileNet (Howard et al., 2017), table 1: depthwise convolutions, each followed by a pointwise one. For small images the
// first convolution keeps the size, so that 32x32 ends in 2x2. Narrow ones (width 0.25) train in minutes on one core.

import type * as tfl from '@tensorflow/tfjs-layers';
import type { Architecture } from './architecture.js';
import type { LayerKit } from './layerKit.js';

type Tensor = tfl.SymbolicTensor;

/** Output channels and stride of each pair of convolutions. */
const PAIRS = [
  [64, 1],
  [128, 2],
  [128, 1],
  [256, 2],
  [256, 1],
  [512, 2],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [512, 1],
  [1024, 2],
  [1024, 1],
] as const;

const activate = (kit: LayerKit, x: Tensor, name: string) => kit.relu(kit.batchNorm(x, `${name}_bn`), `${name}_relu`);

export const mobilenet: Architecture = {
  name: 'mobilenet',
  inputRank: 3,
  build(input, kit) {
    let x = activate(kit, kit.conv(input, 'first_conv', kit.scale(32, 8), { kernel: 3 }), 'first');
    PAIRS.forEach(([channels, stride], i) => {
      const name = `pair${i + 1}`;
      x = activate(kit, kit.depthwise(x, `${name}_depthwise`, stride), `${name}_middle`);
      x = activate(kit, kit.conv(x, `${name}_pointwise`, kit.scale(channels, 8), { kernel: 1 }), `${name}_last`);
    });
    return kit.globalAveragePool(x, 'pool');
  },
};
