// The interface behind which the engines hide: the network's forward pass, and its loss with gradients, on flat arrays.
// Optimiser, penalties, schedule and normalisation are not its business, so every engine trains by the same loop.

import type { WnnSpec } from './spec.js';

/** Losses of the data term. `huber` has its corner at 1, in normalised units. */
export const LOSSES = ['mae', 'huber', 'mse'] as const;
export type Loss = (typeof LOSSES)[number];

/** Computes one network's answers and gradients. Made for one spec; holds buffers, no parameters. */
export interface WnnCompute {
  readonly spec: WnnSpec;
  /** What runs it, for people: `wasm, 2 threads`, `tensorflow`. */
  readonly description: string;
  /** Samples that {@link forward} is best given at once. Default 32,768. */
  readonly block?: number;

  /**
   * The network's answers for `count` normalised windows.
   *
   * @param parameters flat parameters as {@link layoutOf} lays them out.
   * @param windows [count, L] row-major, normalised.
   * @param answers receives [count, horizons] row-major.
   */
  forward(parameters: Float32Array, windows: Float32Array, count: number, answers: Float32Array): Promise<void>;

  /**
   * Mean data loss of a batch over samples and horizons, and its gradient; penalties are not included.
   *
   * @param targets [count, horizons] row-major.
   * @param gradients receives the gradient of the mean loss, laid out like the parameters; overwritten.
   * @returns the mean loss; not finite when the network overflowed.
   */
  lossAndGradients(
    parameters: Float32Array,
    windows: Float32Array,
    targets: Float32Array,
    count: number,
    loss: Loss,
    gradients: Float32Array,
  ): Promise<number>;

  /** Frees buffers and threads. The object cannot be used after it. */
  dispose(): Promise<void>;
}
