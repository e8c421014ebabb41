// How many epochs a sample spans, and how many windows fit into a run.

import type { SampleSpec } from '../samples/schema.js';

/** Epochs from a window's first value to its farthest future value, both included. */
export function windowSpan(spec: Pick<SampleSpec, 'inputLength' | 'horizons'>): number {
  return spec.inputLength + Math.max(...spec.horizons);
}

/** How many windows of one scalar start within `epochs` snapshots. */
export function countStarts(epochs: number, span: number, stride: number): number {
  return epochs < span ? 0 : Math.floor((epochs - span) / stride) + 1;
}
