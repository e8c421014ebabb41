// A multilayer perceptron: two hidden layers of 128 and 64 units.

import type { Architecture } from './architecture.js';

export const mlp: Architecture = {
  name: 'mlp',
  inputRank: 3,
  build(input, kit) {
    let x = kit.flatten(input, 'flatten');
    x = kit.dense(x, 'dense1', kit.scale(128), 'relu');
    return kit.dense(x, 'dense2', kit.scale(64), 'relu');
  },
};
