// The fused WebAssembly kernels of the paper's network: one instance per spec, with views of its memory for samples and
// parameters. Also runs in browsers.

import { CHUNK, type FusedKernels, type KernelInstance } from '../../kernels/kernels.js';
import type { Loss } from '../../network/compute.js';
import type { Network } from '../../network/network.js';
import type { NowcasterSpec } from '../../network/spec.js';
import { normalizeWindows } from '../../windows/normalize.js';
import { createForecastBuffers, restoreWeights } from '../../windows/restore.js';
import { KERNELS_BASE64 } from './binary.generated.js';
import { streamsOf } from './graph.js';

const LOSS_CODES: Record<Loss, number> = { mae: 0, huber: 1, mse: 2 };

/** The exports of assembly/network.ts. */
interface KernelExports {
  memory: WebAssembly.Memory;
  configure(inputLength: number, streams: number, network: number, horizons: number, parameters: number): void;
  tableAt(): number;
  parametersAt(): number;
  gradientsAt(): number;
  windowsAt(): number;
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

let compiled: Promise<WebAssembly.Module> | undefined;

function compileKernels(): Promise<WebAssembly.Module> {
  compiled ??= WebAssembly.compile(Uint8Array.from(atob(KERNELS_BASE64), (character) => character.charCodeAt(0)));
  return compiled;
}

/** The kernels' table of layers: in, code, exp, mul, add, out of the values, of the differences, then the head. */
function layerTable({ layers }: Network): Uint32Array {
  const roles = ['in', 'code', 'exp', 'mul', 'add', 'out'];
  const places = ['values', 'differences'].flatMap((stream) => roles.map((role) => `${stream}_${role}`));
  places.push('head');
  const table = new Uint32Array(2 * places.length);
  for (const { name, kernel, bias } of layers) table.set([kernel, bias], 2 * places.indexOf(name));
  return table;
}

async function openInstance(
  module: WebAssembly.Module,
  spec: NowcasterSpec,
  network: Network,
): Promise<KernelInstance> {
  const instance = await WebAssembly.instantiate(module, {});
  const kernels = instance.exports as WebAssembly.Exports & KernelExports;
  const length = spec.inputLength;
  const horizons = spec.horizons.length;
  const activation = spec.config.activation === 'network' ? 1 : 0;
  kernels.configure(length, streamsOf(spec).length, activation, horizons, network.size);
  // The memory does not grow after configure, so views stay valid.
  const { buffer } = kernels.memory;
  const view = (at: number, size: number) => new Float32Array(buffer, at, size);
  const table = layerTable(network);
  new Uint32Array(buffer, kernels.tableAt(), table.length).set(table);
  const parametersView = view(kernels.parametersAt(), network.size);
  const gradientsView = view(kernels.gradientsAt(), network.size);
  const windowsView = view(kernels.windowsAt(), CHUNK * length);
  const targetsView = view(kernels.targetsAt(), CHUNK * horizons);
  const outputsView = view(kernels.outputsAt(), CHUNK * horizons);
  const sums = view(kernels.sumsAt(), kernels.sumsLength() / 4);
  // Windows and outputs of forecasts are computed in place in the kernels' memory.
  const buffers = { ...createForecastBuffers(spec, CHUNK), windows: windowsView, outputs: outputsView };

  return {
    sums,
    setParameters(parameters) {
      parametersView.set(parameters);
      kernels.prepare();
    },
    forward(windows, first, count, outputs) {
      for (let at = first, end = first + count; at < end; at += CHUNK) {
        const size = Math.min(CHUNK, end - at);
        windowsView.set(windows.subarray(at * length, (at + size) * length));
        kernels.forward(size);
        outputs.set(outputsView.subarray(0, size * horizons), at * horizons);
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

export const kernels = { compile: compileKernels, open: openInstance } satisfies FusedKernels;
