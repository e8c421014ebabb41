// The plain CNN of the nowcasting paper (Jang et al., 2023): 3x3 convolutions of 8, 16, 32 and 32 maps, each followed by
// 2x2 max pooling, then dense 64.

import type { Architecture } from './architecture.js';

export const simplenet: Architecture = {
  name: 'simplenet',
  aliases: ['cnn'],
  inputRank: 3,
  build(input, kit) {
    let x = input;
    [8, 16, 32, 32].forEach((filters, i) => {
      x = kit.conv(x, `conv${i + 1}`, kit.scale(filters), { kernel: 3, bias: true, activation: 'relu' });
      x = kit.maxPool(x, `pool${i + 1}`);
    });
    x = kit.flatten(x, 'flatten');
    return kit.dense(x, 'dense1', kit.scale(64), 'relu');
  },
};
