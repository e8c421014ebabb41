// Which families have fused WebAssembly kernels. Loaded when they are used, so that a bundle without them stays small.

import type { FusedKernels } from '../kernels/kernels.js';

const KERNELS: Readonly<Record<string, () => Promise<FusedKernels>>> = {
  wnn: async () => (await import('./wnn/wasmKernels.js')).kernels,
};

/** The fused WebAssembly kernels of a family, or null when it has none. */
export async function loadWasmKernels(family: string): Promise<FusedKernels | null> {
  return Object.hasOwn(KERNELS, family) ? KERNELS[family]() : null;
}
