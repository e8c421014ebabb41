// The fused WebAssembly kernels by family, imported on demand to keep bundles small.

import type { FusedKernels } from '../kernels/kernels.js';

const KERNELS: Readonly<Record<string, () => Promise<FusedKernels>>> = {
  wnn: async () => (await import('./wnn/wasmKernels.js')).kernels,
};

/** The fused WebAssembly kernels of a family, or null when it has none. */
export async function loadWasmKernels(family: string): Promise<FusedKernels | null> {
  return Object.hasOwn(KERNELS, family) ? KERNELS[family]() : null;
}
