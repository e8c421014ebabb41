// The graph of WNN+: two hidden layers on the window's differences and the context of its tensor, and a linear head that also
// sees the differences themselves, so that a line is in its reach from the first step.

import type { Graph } from '../../network/graph.js';
import type { NowcasterSpec } from '../../network/spec.js';

/** Settings of WNN+. */
export type WnnPlusConfig = {
  /** Units of each hidden layer, 8 to 512. */
  width: number;
};

/** Scale of the initial kernel of the head: an untrained network forecasts nearly no change. */
const HEAD_SCALE = 0.01;

/** The network of a spec. */
export function wnnPlusGraph({ config: { width }, horizons }: NowcasterSpec<WnnPlusConfig>): Graph {
  return [
    { op: 'input', name: 'values', input: 'window' },
    { op: 'differences', name: 'differences', of: 'values' },
    { op: 'input', name: 'context', input: 'context' },
    { op: 'input', name: 'role', input: 'role' },
    { op: 'concat', name: 'all', of: ['differences', 'context', 'role'] },
    { op: 'dense', name: 'hidden_1', of: 'all', units: width, activation: 'relu' },
    { op: 'dense', name: 'hidden_2', of: 'hidden_1', units: width, activation: 'relu' },
    { op: 'concat', name: 'features', of: ['hidden_2', 'differences'] },
    { op: 'dense', name: 'head', of: 'features', units: horizons.length, initializer: HEAD_SCALE },
  ];
}
