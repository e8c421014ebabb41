// LeNet-5 (LeCun et al., 1998) in its modern form: every convolution uses all feature maps, and the output is a softmax.
// Convolutions 5x5 of 6 and 16 maps with average pooling, dense 120, 84. 28x28 inputs are padded to 32x32.

import type { Architecture } from './architecture.js';

export const lenet: Architecture = {
  name: 'lenet',
  inputRank: 3,
  build(input, kit) {
    const padding = input.shape[1] === 28 ? 'same' : 'valid';
    let x = kit.conv(input, 'conv1', kit.scale(6), { kernel: 5, padding, bias: true, activation: 'tanh' });
    x = kit.averagePool(x, 'pool1');
    x = kit.conv(x, 'conv2', kit.scale(16), { kernel: 5, padding: 'valid', bias: true, activation: 'tanh' });
    x = kit.averagePool(x, 'pool2');
    x = kit.flatten(x, 'flatten');
    x = kit.dense(x, 'dense1', kit.scale(120), 'tanh');
    return kit.dense(x, 'dense2', kit.scale(84), 'tanh');
  },
};
