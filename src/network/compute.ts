// The interface behind which the engines are: a network's forward pass, and its loss with gradients, on flat arrays.
// Optimizer, penalties, schedule and normalization are not its business, so every engine trains by the same loop.

import type { NowcasterSpec } from './spec.js';

/** Losses of the data term. `huber` has its corner at 1, in normalized units. */
export const LOSSES = ['mae', 'huber', 'mse'] as const;
export type Loss = (typeof LOSSES)[number];

/** How a network's outputs become forecasts. */
export interface ForecastOutput {
  /** Position of the wanted horizon among the spec's. */
  index: number;
  /** `published`: the residual is added to the raw last weight, see nowcaster/forecast.ts. */
  bias: 'normal' | 'published';
}

/** Computes one network's outputs and gradients. Made for one spec; holds buffers, no parameters. */
export interface NetworkCompute {
  readonly spec: NowcasterSpec;
  /** What runs it, for people: `wasm, 2 threads`, `tensorflow`. */
  readonly description: string;
  /** Samples that {@link forward} is best given at once. Default 32,768. */
  readonly block?: number;

  /**
   * The network's outputs for `count` samples.
   *
   * @param parameters flat parameters in the network's layout.
   * @param inputs [count, input width] row-major: the named inputs of each sample, one behind the other.
   * @param outputs receives [count, horizons] row-major.
   */
  forward(parameters: Float32Array, inputs: Float32Array, count: number, outputs: Float32Array): Promise<void>;

  /**
   * Forecasts raw values, for computes that normalize on the threads where they compute. Only for networks whose one
   * input is the window. Where it is absent, forecast.ts makes the inputs and calls {@link forward}. Both give the same
   * bits as far as `forward` does.
   *
   * @param history raw values, L arrays of equal length, oldest first.
   * @param out receives the forecasts; may be one of the history's arrays.
   */
  forecast?(
    parameters: Float32Array,
    history: readonly Float32Array[],
    out: Float32Array,
    output: ForecastOutput,
  ): Promise<void>;

  /**
   * Mean data loss of a batch over samples and horizons, and its gradient; penalties are not included.
   *
   * @param targets [count, horizons] row-major.
   * @param gradients receives the gradient of the mean loss, laid out like the parameters; overwritten.
   * @returns the mean loss; not finite when the network overflowed.
   */
  lossAndGradients(
    parameters: Float32Array,
    inputs: Float32Array,
    targets: Float32Array,
    count: number,
    loss: Loss,
    gradients: Float32Array,
  ): Promise<number>;

  /** Frees buffers and threads. The object cannot be used after it. */
  dispose(): Promise<void>;
}
