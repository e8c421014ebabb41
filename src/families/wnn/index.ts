// The weight nowcaster network of the paper (Jang et al., ICML 2023), with the variants of its ablations.

import type { Family } from '../family.js';
import { type WnnConfig, wnnGraph } from './graph.js';

export const wnn: Family<WnnConfig> = {
  id: 'wnn',
  description: 'the network of the paper: two streams with a learned activation, 9,425 parameters',
  defaultConfig: { streams: 'both', activation: 'network' },
  configProblem({ streams, activation }) {
    if (streams !== 'both' && streams !== 'values') return `streams must be both or values, not ${streams}`;
    if (activation !== 'network' && activation !== 'relu')
      return `activation must be network or relu, not ${activation}`;
    return null;
  },
  configs: (['both', 'values'] as const).flatMap((streams) =>
    (['network', 'relu'] as const).map((activation) => ({ streams, activation })),
  ),
  graph: wnnGraph,
  penalties: { kernel: 1e-6, bias: 0.1 },
};
