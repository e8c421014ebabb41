// A character language model: one GRU layer (Cho et al., 2014) of 128 units.

import type { Architecture } from './architecture.js';

export const chargru: Architecture = {
  name: 'chargru',
  inputRank: 2,
  build: (input, kit) => kit.gru(input, 'gru', kit.scale(128)),
};
