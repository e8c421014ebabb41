// ShuffleNetV2 (Ma et al., 2018), table 5: half of the channels passes each unit untouched, then both halves are
// shuffled. For small images the first convolution keeps the size and the first pooling is left out.

import type * as tfl from '@tensorflow/tfjs-layers';
import type { Architecture } from './architecture.js';
import { ChannelShuffle, ChannelSlice } from './channelLayers.js';
import { apply, type LayerKit } from './layerKit.js';

type Tensor = tfl.SymbolicTensor;

/** Channels of the first stage at the paper's own widths; the other stages have twice and four times as many. */
const PUBLISHED_CHANNELS: Record<number, number> = { 0.5: 48, 1: 116, 1.5: 176, 2: 244 };
/** Units of the three stages, the one that halves the image included. */
const UNITS = [4, 8, 4];

function addPointwise(kit: LayerKit, x: Tensor, name: string, filters: number): Tensor {
  const y = kit.batchNorm(kit.conv(x, `${name}_conv`, filters, { kernel: 1 }), `${name}_bn`);
  return kit.relu(y, `${name}_relu`);
}

function addDepthwise(kit: LayerKit, x: Tensor, name: string, stride: number): Tensor {
  return kit.batchNorm(kit.depthwise(x, `${name}_depthwise`, stride), `${name}_bn`);
}

/** The branch that computes: pointwise, depthwise, pointwise. */
function addBranch(kit: LayerKit, x: Tensor, name: string, filters: number, stride: number): Tensor {
  const first = addPointwise(kit, x, `${name}_first`, filters);
  return addPointwise(kit, addDepthwise(kit, first, `${name}_middle`, stride), `${name}_last`, filters);
}

function addUnit(kit: LayerKit, input: Tensor, name: string, channels: number, stride: number): Tensor {
  const half = channels / 2;
  let idle: Tensor;
  let busy: Tensor;
  if (stride === 1) {
    idle = apply(new ChannelSlice({ name: `${name}_left`, begin: 0, size: half }), input);
    busy = apply(new ChannelSlice({ name: `${name}_right`, begin: half, size: half }), input);
  } else {
    idle = addPointwise(kit, addDepthwise(kit, input, `${name}_shortcut`, stride), `${name}_shortcut_out`, half);
    busy = input;
  }
  const both = kit.concat([idle, addBranch(kit, busy, `${name}_branch`, half, stride)], `${name}_concat`);
  return apply(new ChannelShuffle({ name: `${name}_shuffle`, groups: 2 }), both);
}

export const shufflenetv2: Architecture = {
  name: 'shufflenetv2',
  inputRank: 3,
  build(input, kit) {
    const channels = PUBLISHED_CHANNELS[kit.width] ?? kit.scale(116, 2);
    let x = kit.conv(input, 'first_conv', 24, { kernel: 3 });
    x = kit.relu(kit.batchNorm(x, 'first_bn'), 'first_relu');
    UNITS.forEach((units, stage) => {
      for (let unit = 1; unit <= units; unit++) {
        x = addUnit(kit, x, `stage${stage + 2}_unit${unit}`, channels * 2 ** stage, unit === 1 ? 2 : 1);
      }
    });
    x = addPointwise(kit, x, 'last', kit.width >= 2 ? 2048 : 1024);
    return kit.globalAveragePool(x, 'pool');
  },
};
