// Opens the WebAssembly kernels of a spec's family in Node. For browsers see defaultCompute.ts.

import { availableParallelism } from 'node:os';
import { fileURLToPath } from 'node:url';
import { UsageError } from '../errors.js';
import { loadWasmKernels } from '../families/wasmKernels.js';
import { compiledEntry } from '../jobs/compiledEntry.js';
import { nodeThreads } from '../kernels/nodeThreads.js';
import { createPoolCompute } from '../kernels/pool.js';
import { createSingleThreadCompute } from '../kernels/single.js';
import type { NetworkCompute } from '../network/compute.js';
import type { NowcasterSpec } from '../network/spec.js';
import { networkOf } from '../nowcaster/spec.js';

/** Options of {@link createWasmCompute}. */
export interface WasmComputeOptions {
  /** Number of threads, including the calling thread: 1 to 256. Default: the cores available to this process. */
  threads?: number;
}

const WORKER = new URL('./worker.js', import.meta.url);

/**
 * Opens the WebAssembly kernels for a spec on several threads. Results are bit-identical for any number of
 * threads. One thread starts no worker. `dispose` terminates the workers; they do not keep the process alive.
 *
 * @throws {UsageError} when `threads` is not a whole number from 1 to 256.
 * @throws {EngineUnavailableError} when run from the sources without a build.
 */
export async function createWasmCompute(
  spec: NowcasterSpec,
  options: WasmComputeOptions = {},
): Promise<NetworkCompute> {
  const threads = options.threads ?? Math.min(availableParallelism(), 256);
  if (!Number.isInteger(threads) || threads < 1 || threads > 256)
    throw new UsageError({
      what: 'wrong number of threads',
      where: `${threads}`,
      remedy: 'give a whole number, 1 to 256',
    });
  const kernels = await loadWasmKernels(spec.family);
  const network = networkOf(spec);
  return threads === 1
    ? createSingleThreadCompute(kernels, spec, network)
    : createPoolCompute(kernels, spec, network, nodeThreads(fileURLToPath(compiledEntry(WORKER)), threads));
}
