// WNN+: scales by the tensor rather than by the scalar, knows the tensor, and is not bounded. After the cheap half of NiNo
// (Knyazev et al., ICLR 2025), with scale and context of our own.

import type { Family } from '../family.js';
import { type WnnPlusConfig, wnnPlusGraph } from './graph.js';

export const wnnPlus: Family<WnnPlusConfig> = {
  id: 'wnn-plus',
  description:
    'scaled by the tensor, with its role and motion as inputs, unbounded; width 64 has about 6,700 parameters',
  defaultConfig: { width: 64 },
  configProblem: ({ width }) =>
    Number.isInteger(width) && width >= 8 && width <= 512
      ? null
      : `width must be a whole number from 8 to 512, not ${width}`,
  inputs: ['window', 'context', 'role'],
  normalization: 'tensor',
  graph: wnnPlusGraph,
};
