// A named network input: values computed from windows of raw weights and from the metadata of their tensor. Samples have
// one column per input.

import type { WindowSpec } from '../../network/spec.js';
import type { TensorStatistics } from '../tensorStatistics.js';

/** The metadata of a tensor. */
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
  /** Statistics of the tensor over the window. */
  statistics: TensorStatistics;
  count: number;
  /** [count]: position of each scalar in its tensor, row-major. */
  positions: Uint32Array;
  /** Raw values, L arrays or more, oldest first: the block's scalar j is `history[i][start + j]` in snapshot i. */
  history: readonly Float32Array[];
  start: number;
  /** [count, L] row-major: the normalized windows. */
  windows: Float32Array;
  /** [count]: the factor from normalized to raw values. */
  scales: Float64Array;
}

/** A named input. */
export interface WindowInput {
  /** Name of its column in sample files and of the network's input. */
  name: string;
  /** Values per sample. */
  width(spec: WindowSpec): number;
  /** Writes [count, width] row-major, each row at `rows[offset + j * stride]`. */
  fill(block: WindowBlock, rows: Float32Array, offset: number, stride: number): void;
}
