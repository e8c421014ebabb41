// The WebAssembly kernels by family, imported on demand to keep bundles small: its own fused ones, or those that run any
// graph.

import type { FusedKernels } from '../kernels/kernels.js';

const KERNELS: Readonly<Record<string, () => Promise<FusedKernels>>> = {
  wnn: async () => (await import('./wnn/wasmKernels.js')).kernels,
};

/** The WebAssembly kernels of a family. */
export async function loadWasmKernels(family: string): Promise<FusedKernels> {
  return Object.hasOwn(KERNELS, family) ? KERNELS[family]() : (await import('../kernels/graph/kernels.js')).kernels;
}
