// What a named input of a network is: numbers that are computed from windows of raw weights and from what is known of
// the tensor that they belong to. Samples hold a column an input.

import type { WindowSpec } from '../../network/spec.js';

/** What is known of a tensor besides its values. */
export interface TensorInfo {
  /** Full name with its layer, e.g. `conv2d_1/kernel`. */
  name: string;
  /** Kind of tensor: `conv`, `fc`, `bias`, ... */
  kind: string;
  shape: readonly number[];
}

/** Windows of some scalars of one tensor. */
export interface WindowBlock {
  spec: WindowSpec;
  tensor: TensorInfo;
  count: number;
  /** [count]: position of each scalar in its tensor, row-major. */
  positions: Uint32Array;
  /** Raw values, L arrays or more, oldest first: the block's scalar j is `history[i][start + j]` in snapshot i. */
  history: readonly Float32Array[];
  start: number;
  /** [count, L] row-major: the normalized windows. */
  windows: Float32Array;
  /** [count]: what a normalized value is multiplied by to be raw. */
  scales: Float64Array;
}

/** A named input. */
export interface WindowInput {
  /** Name of its column in sample files and of the network's input. */
  name: string;
  /** Values a sample. */
  width(spec: WindowSpec): number;
  /** Writes [count, width] row-major, each row at `rows[offset + j * stride]`. */
  fill(block: WindowBlock, rows: Float32Array, offset: number, stride: number): void;
}
