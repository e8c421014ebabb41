// The default compute: the WebAssembly kernels of the family, multithreaded where a page may share memory; TensorFlow.js
// where WebAssembly SIMD is missing.

import { loadWasmKernels } from '../families/wasmKernels.js';
import type { FusedKernels } from '../kernels/kernels.js';
import type { NetworkCompute } from '../network/compute.js';
import type { Network } from '../network/network.js';
import type { NowcasterSpec } from '../network/spec.js';
import { createTfjsCompute } from '../network/tfjsCompute.js';
import { networkOf } from '../nowcaster/spec.js';
import type { NoteListener } from '../progress.js';

/** Maximum threads in a page: beyond this, memory bandwidth is the limit. */
const MOST_THREADS = 16;

/**
 * The WebAssembly kernels: in a page that is cross-origin isolated on as many Web Workers as it has logical processors (at
 * most 16), elsewhere on the calling thread, with the same bits. Without WebAssembly SIMD, and where a page's security
 * policy forbids WebAssembly, tfjs on its current backend. The description says which.
 *
 * @param onNote called when workers cannot start. Default: `console.warn`.
 */
export async function createDefaultCompute(
  spec: NowcasterSpec,
  onNote: NoteListener = console.warn,
): Promise<NetworkCompute> {
  const network = networkOf(spec);
  const kernels = await loadWasmKernels(spec.family);
  const { createSingleThreadCompute } = await import('../kernels/single.js');
  try {
    const threaded = await createThreadedCompute(kernels, spec, network, onNote);
    return threaded ?? (await createSingleThreadCompute(kernels, spec, network));
  } catch (error) {
    if (typeof WebAssembly === 'object' && !(error instanceof WebAssembly.CompileError)) throw error;
    return createTfjsCompute(spec, network);
  }
}

/** The kernels on Web Workers, or null for a single thread. */
async function createThreadedCompute(
  kernels: FusedKernels,
  spec: NowcasterSpec,
  network: Network,
  onNote: NoteListener,
): Promise<NetworkCompute | null> {
  const { canShareMemory, webThreads } = await import('../kernels/webThreads.js');
  if (!canShareMemory()) return null;
  const threads = Math.min(navigator.hardwareConcurrency, MOST_THREADS);
  if (!(threads > 1)) return null;
  const { createPoolCompute } = await import('../kernels/pool.js');
  const { WEB_WORKER_SOURCE } = await import('./webWorker.generated.js');
  try {
    return await createPoolCompute(kernels, spec, network, webThreads(WEB_WORKER_SOURCE, threads));
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) throw error;
    onNote(`Nowcasting on one thread: workers could not start (${(error as Error).message}); allow worker-src blob:`);
    return null;
  }
}
