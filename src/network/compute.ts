// The interface of the compute engines: a network's forward pass, and its loss with gradients, on flat arrays.
// Optimizer, penalties, schedule and normalization are outside of it, so every engine uses the same training loop.

import type { NowcasterSpec } from './spec.js';

/** Losses of the data term. `huber` has delta 1, in normalized units. */
export const LOSSES = ['mae', 'huber', 'mse'] as const;
export type Loss = (typeof LOSSES)[number];

/** How network outputs are converted to forecasts. */
export interface ForecastOutput {
  /** Position of the wanted horizon among the spec's. */
  index: number;
  /** `published`: the residual is added to the raw last weight, see nowcaster/forecast.ts. */
  bias: 'normal' | 'published';
}

/** Computes one network's outputs and gradients. Made for one spec; holds buffers, no parameters. */
export interface NetworkCompute {
  readonly spec: NowcasterSpec;
  /** Human-readable description: `wasm, 2 threads`, `tensorflow`. */
  readonly description: string;
  /** Preferred number of samples per call of {@link forward}. Default 32,768. */
  readonly block?: number;

  /**
   * The network's outputs for `count` samples.
   *
   * @param parameters flat parameters in the network's layout.
   * @param inputs [count, input width] row-major: the named inputs of each sample, concatenated.
   * @param outputs receives [count, horizons] row-major.
   */
  forward(parameters: Float32Array, inputs: Float32Array, count: number, outputs: Float32Array): Promise<void>;

  /**
   * Forecasts raw values, for computes that normalize on their own threads. Only for networks whose only input is the
   * window. Without it, forecast.ts computes the inputs and calls {@link forward}; both give the same bits if `forward`
   * does.
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
