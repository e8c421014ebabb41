// The interface of WebAssembly kernels: a module that is compiled once, and one instance per thread.

import type { ForecastOutput, Loss } from '../network/compute.js';
import type { Network } from '../network/network.js';
import type { NowcasterSpec } from '../network/spec.js';

/** Samples that an instance processes at a time; must equal CHUNK of the assembly code. */
export const CHUNK = 1024;

/** Whether the kernels can normalize, which they do a scalar at a time: the window is all that the network sees. */
export function fusesForecast({ normalization, inputLength }: NowcasterSpec, { inputs }: Network): boolean {
  return normalization !== 'tensor' && inputs.length === 1 && inputs[0].width === inputLength;
}

/** WebAssembly kernels of networks. */
export interface FusedKernels {
  /** Compiles them, once. @throws {WebAssembly.CompileError} where the engine lacks SIMD. */
  compile(): Promise<WebAssembly.Module>;
  /** Instantiates them for a spec. */
  open(module: WebAssembly.Module, spec: NowcasterSpec, network: Network): Promise<KernelInstance>;
}

/** Kernels for one spec. Results are valid until the next call. */
export interface KernelInstance {
  /** Sums of a group's gradients, in the kernels' own layout. */
  readonly sums: Float32Array;
  setParameters(parameters: Float32Array): void;
  /** Outputs of samples `first` to `first + count - 1` (any number) of `inputs`, written to the same rows of `outputs`. */
  forward(inputs: Float32Array, first: number, count: number, outputs: Float32Array): void;
  /** Where {@link fusesForecast}: forecasts of scalars `first` to `first + count - 1` (any number) of `history`, written to the same place of `out`. */
  forecast(
    history: readonly Float32Array[],
    first: number,
    count: number,
    output: ForecastOutput,
    out: Float32Array,
  ): void;
  /** Puts the gradients' sums over samples `first` to `first + count - 1` into `sums`; returns the sum of their losses. */
  sumGroup(inputs: Float32Array, targets: Float32Array, first: number, count: number, loss: Loss): number;
  resetTotals(): void;
  /** Adds `sums` to the totals. */
  addToTotals(): void;
  /** Writes the totals, as gradients of the parameters times `scale`; returns whether all are finite. */
  finish(scale: number, gradients: Float32Array): boolean;
}
