// What all kernels have in common on the host's side: views of their memory, and samples passed in chunks.

import type { Loss } from '../network/compute.js';
import type { Network } from '../network/network.js';
import type { NowcasterSpec } from '../network/spec.js';
import { normalizeWindows } from '../windows/normalize.js';
import { createForecastBuffers, restoreWeights } from '../windows/restore.js';
import { CHUNK, type KernelInstance } from './kernels.js';

const LOSS_CODES: Record<Loss, number> = { mae: 0, huber: 1, mse: 2 };

/** The exports of every module of kernels; see their assembly. */
export interface KernelExports {
  memory: WebAssembly.Memory;
  parametersAt(): number;
  gradientsAt(): number;
  inputsAt(): number;
  targetsAt(): number;
  outputsAt(): number;
  sumsAt(): number;
  sumsLength(): number;
  prepare(): void;
  forward(count: number): void;
  reset(): void;
  accumulate(count: number, loss: number): void;
  loss(): number;
  resetTotals(): void;
  addToTotals(): void;
  finish(scale: number): number;
}

/** Compiles a binary in base64, once. */
export function compileBinary(base64: string): () => Promise<WebAssembly.Module> {
  let compiled: Promise<WebAssembly.Module> | undefined;
  return () => {
    compiled ??= WebAssembly.compile(Uint8Array.from(atob(base64), (character) => character.charCodeAt(0)));
    return compiled;
  };
}

/** Kernels that are configured, as an instance. Their memory must not grow any more. */
export function makeInstance(kernels: KernelExports, spec: NowcasterSpec, network: Network): KernelInstance {
  const { inputWidth, outputWidth } = network;
  const length = spec.inputLength;
  const { buffer } = kernels.memory;
  const view = (at: number, size: number) => new Float32Array(buffer, at, size);
  const parametersView = view(kernels.parametersAt(), network.size);
  const gradientsView = view(kernels.gradientsAt(), network.size);
  const inputsView = view(kernels.inputsAt(), CHUNK * inputWidth);
  const targetsView = view(kernels.targetsAt(), CHUNK * outputWidth);
  const outputsView = view(kernels.outputsAt(), CHUNK * outputWidth);
  const sums = view(kernels.sumsAt(), kernels.sumsLength() / 4);
  // Windows and outputs of forecasts are computed in place in the kernels' memory.
  const buffers = { ...createForecastBuffers(spec, CHUNK), windows: inputsView, outputs: outputsView };

  return {
    sums,
    setParameters(parameters) {
      parametersView.set(parameters);
      kernels.prepare();
    },
    forward(inputs, first, count, outputs) {
      for (let at = first, end = first + count; at < end; at += CHUNK) {
        const size = Math.min(CHUNK, end - at);
        inputsView.set(inputs.subarray(at * inputWidth, (at + size) * inputWidth));
        kernels.forward(size);
        outputs.set(outputsView.subarray(0, size * outputWidth), at * outputWidth);
      }
    },
    forecast(history, first, count, output, out) {
      for (let at = first, end = first + count; at < end; at += CHUNK) {
        const size = Math.min(CHUNK, end - at);
        normalizeWindows(spec, history, at, size, inputsView, buffers.origins, buffers.scales);
        kernels.forward(size);
        restoreWeights(spec, history[length - 1], at, size, buffers, output, out);
      }
    },
    sumGroup(inputs, targets, first, count, loss) {
      kernels.reset();
      for (let at = first, end = first + count; at < end; at += CHUNK) {
        const size = Math.min(CHUNK, end - at);
        inputsView.set(inputs.subarray(at * inputWidth, (at + size) * inputWidth));
        targetsView.set(targets.subarray(at * outputWidth, (at + size) * outputWidth));
        kernels.accumulate(size, LOSS_CODES[loss]);
      }
      return kernels.loss();
    },
    resetTotals: kernels.resetTotals,
    addToTotals: kernels.addToTotals,
    finish(scale, gradients) {
      const finite = kernels.finish(scale) !== 0;
      gradients.set(gradientsView);
      return finite;
    },
  };
}
