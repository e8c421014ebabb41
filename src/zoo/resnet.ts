// ResNet for small images (He et al., 2016, section 4.2): 6n + 2 layers, three stages of n blocks with 16, 32 and 64
// maps; where a stage halves the image, the shortcut takes every second pixel and adds empty maps (their option A).

import * as tfl from '@tensorflow/tfjs-layers';
import type { Architecture } from './architecture.js';
import { ChannelPad } from './channelLayers.js';
import { apply, type LayerKit } from './layerKit.js';

type Tensor = tfl.SymbolicTensor;

function addBlock(kit: LayerKit, input: Tensor, name: string, filters: number, stride: number): Tensor {
  let x = kit.conv(input, `${name}_conv1`, filters, { kernel: 3, stride });
  x = kit.batchNorm(x, `${name}_bn1`);
  x = kit.relu(x, `${name}_relu1`);
  x = kit.conv(x, `${name}_conv2`, filters, { kernel: 3 });
  x = kit.batchNorm(x, `${name}_bn2`);
  let shortcut = input;
  if (stride > 1) {
    const everySecond = tfl.layers.maxPooling2d({ name: `${name}_subsample`, poolSize: 1, strides: stride });
    const extra = filters - (input.shape.at(-1) as number);
    shortcut = apply(new ChannelPad({ name: `${name}_pad`, extra }), apply(everySecond, input));
  }
  return kit.relu(kit.add([shortcut, x], `${name}_add`), `${name}_relu2`);
}

/** @param depth 6n + 2. */
function defineResnet(depth: number, aliases: string[] = []): Architecture {
  return {
    name: `resnet-${depth}`,
    aliases,
    inputRank: 3,
    build(input, kit) {
      let x = kit.conv(input, 'conv1', kit.scale(16), { kernel: 3 });
      x = kit.batchNorm(x, 'bn1');
      x = kit.relu(x, 'relu1');
      [16, 32, 64].forEach((filters, stage) => {
        for (let block = 1; block <= (depth - 2) / 6; block++) {
          const stride = stage > 0 && block === 1 ? 2 : 1;
          x = addBlock(kit, x, `stage${stage + 1}_block${block}`, kit.scale(filters), stride);
        }
      });
      return kit.globalAveragePool(x, 'pool');
    },
  };
}

export const resnet8: Architecture = defineResnet(8);
export const resnet14: Architecture = defineResnet(14);
export const resnet20: Architecture = defineResnet(20, ['resnet']);
export const resnet32: Architecture = defineResnet(32);
