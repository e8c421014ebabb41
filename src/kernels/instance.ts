// One instance of the WebAssembly kernels for one spec, and the views of its memory through which numbers come and go.
// Not: which samples it works on (single.ts, pool.ts), nor anything of Node: browsers load it too.

import type { ForecastOutput, Loss } from '../nowcaster/compute.js';
import { createForecastBuffers, restoreWeights } from '../nowcaster/forecast.js';
import { layoutOf, type WnnLayout } from '../nowcaster/layout.js';
import { normalizeWindows } from '../nowcaster/normalize.js';
import type { WnnSpec } from '../nowcaster/spec.js';
import { KERNELS_BASE64 } from './binary.generated.js';

/** Samples that an instance takes at a time; `CHUNK` of assembly/state.ts. */
export const CHUNK = 1024;

const LOSS_CODES: Record<Loss, number> = { mae: 0, huber: 1, mse: 2 };

/** What assembly/network.ts exports. */
interface KernelExports {
  memory: WebAssembly.Memory;
  configure(inputLength: number, streams: number, network: number, horizons: number, parameters: number): void;
  tableAt(): number;
  parametersAt(): number;
  gradientsAt(): number;
  windowsAt(): number;
  targetsAt(): number;
  answersAt(): number;
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

let compiled: Promise<WebAssembly.Module> | undefined;

/** Compiles the kernels, once. */
export function compileKernels(): Promise<WebAssembly.Module> {
  compiled ??= WebAssembly.compile(Uint8Array.from(atob(KERNELS_BASE64), (character) => character.charCodeAt(0)));
  return compiled;
}

/** The kernels' table of layers: in, code, exp, mul, add, out of the values, of the differences, then the head. */
function layerTable(layout: WnnLayout): Uint32Array {
  const roles = ['in', 'code', 'exp', 'mul', 'add', 'out'];
  const table = new Uint32Array(4 * roles.length + 2);
  for (const { role, stream, kernel, bias } of layout.layers) {
    const layer = role === 'head' ? 2 * roles.length : (stream === 'values' ? 0 : roles.length) + roles.indexOf(role);
    table.set([kernel, bias], 2 * layer);
  }
  return table;
}

/** The kernels, ready for one spec. Its numbers live until the next call that overwrites them. */
export interface KernelInstance {
  /** Sums of a group's gradients, in the kernels' own layout: what one group hands to the totals. */
  readonly sums: Float32Array;
  setParameters(parameters: Float32Array): void;
  /** Answers of windows `first` to `first + count - 1` (any number) of `windows`, written to the same place of `answers`. */
  forward(windows: Float32Array, first: number, count: number, answers: Float32Array): void;
  /** Forecasts of scalars `first` to `first + count - 1` (any number) of `history`, written to the same place of `out`. */
  forecast(
    history: readonly Float32Array[],
    first: number,
    count: number,
    output: ForecastOutput,
    out: Float32Array,
  ): void;
  /** Puts the gradients' sums over samples `first` to `first + count - 1` into `sums`; returns the sum of their losses. */
  sumGroup(windows: Float32Array, targets: Float32Array, first: number, count: number, loss: Loss): number;
  resetTotals(): void;
  /** Adds `sums` to the totals. */
  addToTotals(): void;
  /** Writes the totals, as gradients of the parameters times `scale`; returns whether all are finite. */
  finish(scale: number, gradients: Float32Array): boolean;
}

/** Instantiates the kernels for a spec. */
export async function openInstance(module: WebAssembly.Module, spec: WnnSpec): Promise<KernelInstance> {
  const instance = await WebAssembly.instantiate(module, {});
  const kernels = instance.exports as unknown as KernelExports;
  const layout = layoutOf(spec);
  const length = spec.inputLength;
  const horizons = spec.horizons.length;
  const streams = spec.streams === 'both' ? 2 : 1;
  kernels.configure(length, streams, spec.activation === 'network' ? 1 : 0, horizons, layout.size);
  // The memory does not grow after configure, so views stay valid.
  const { buffer } = kernels.memory;
  const view = (at: number, size: number) => new Float32Array(buffer, at, size);
  const table = layerTable(layout);
  new Uint32Array(buffer, kernels.tableAt(), table.length).set(table);
  const parametersView = view(kernels.parametersAt(), layout.size);
  const gradientsView = view(kernels.gradientsAt(), layout.size);
  const windowsView = view(kernels.windowsAt(), CHUNK * length);
  const targetsView = view(kernels.targetsAt(), CHUNK * horizons);
  const answersView = view(kernels.answersAt(), CHUNK * horizons);
  const sums = view(kernels.sumsAt(), kernels.sumsLength() / 4);
  // Windows and answers of forecasts stand where the kernels read and write them.
  const buffers = { ...createForecastBuffers(spec, CHUNK), windows: windowsView, answers: answersView };

  return {
    sums,
    setParameters(parameters) {
      parametersView.set(parameters);
      kernels.prepare();
    },
    forward(windows, first, count, answers) {
      for (let at = first, end = first + count; at < end; at += CHUNK) {
        const size = Math.min(CHUNK, end - at);
        windowsView.set(windows.subarray(at * length, (at + size) * length));
        kernels.forward(size);
        answers.set(answersView.subarray(0, size * horizons), at * horizons);
      }
    },
    forecast(history, first, count, output, out) {
      for (let at = first, end = first + count; at < end; at += CHUNK) {
        const size = Math.min(CHUNK, end - at);
        normalizeWindows(spec, history, at, size, windowsView, buffers.origins, buffers.scales);
        kernels.forward(size);
        restoreWeights(spec, history[length - 1], at, size, buffers, output, out);
      }
    },
    sumGroup(windows, targets, first, count, loss) {
      kernels.reset();
      for (let at = first, end = first + count; at < end; at += CHUNK) {
        const size = Math.min(CHUNK, end - at);
        windowsView.set(windows.subarray(at * length, (at + size) * length));
        targetsView.set(targets.subarray(at * horizons, (at + size) * horizons));
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
