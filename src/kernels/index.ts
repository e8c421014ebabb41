// Opens the fused kernels in Node. Browsers and the callback import single.ts, and pool.ts with webThreads.ts.

import { availableParallelism } from 'node:os';
import { UsageError } from '../errors.js';
import type { WnnCompute } from '../nowcaster/compute.js';
import type { WnnSpec } from '../nowcaster/spec.js';
import { nodeThreads } from './nodeThreads.js';
import { createPoolCompute } from './pool.js';
import { createSingleThreadCompute } from './single.js';

export { createSingleThreadCompute } from './single.js';

/** How to run the kernels. */
export interface WasmComputeOptions {
  /** Threads that compute, the calling one among them: 1 to 256. Default: the cores that this process may use. */
  threads?: number;
}

/**
 * Opens the fused WebAssembly kernels for a spec, on several threads. The results are the same bits for any number of
 * threads. With one thread no worker is started. Call `dispose` to end the workers; they do not keep the process alive.
 *
 * @throws {UsageError} when `threads` is not a whole number from 1 to 256.
 * @throws {EngineUnavailableError} when run from the sources without a build.
 */
export async function createWasmCompute(spec: WnnSpec, options: WasmComputeOptions = {}): Promise<WnnCompute> {
  const threads = options.threads ?? Math.min(availableParallelism(), 256);
  if (!Number.isInteger(threads) || threads < 1 || threads > 256)
    throw new UsageError({
      what: 'wrong number of threads',
      where: `${threads}`,
      remedy: 'give a whole number, 1 to 256',
    });
  return threads === 1 ? createSingleThreadCompute(spec) : createPoolCompute(spec, nodeThreads(threads));
}
