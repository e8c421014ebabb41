// What runs the networks when the user does not choose: the fused kernels, on several threads where a page may share
// memory, or tfjs where this engine of JavaScript cannot run them.

import type { WnnCompute } from '../nowcaster/compute.js';
import type { WnnSpec } from '../nowcaster/spec.js';
import { createTfjsCompute } from '../nowcaster/tfjsCompute.js';
import type { NoteListener } from '../progress.js';

/** Threads that a page starts at most: more of them only wait for memory. */
const MOST_THREADS = 16;

/**
 * The fused WebAssembly kernels: in a page that is cross-origin isolated on as many Web Workers as it has logical
 * processors (at most 16), elsewhere on the calling thread, with the same bits. Without WebAssembly SIMD, or where a
 * page's security policy forbids WebAssembly, tfjs on its current backend. Which one it is stands in its description.
 *
 * @param onNote hears it when workers were wanted and could not start. Default: `console.warn`.
 */
export async function createDefaultCompute(spec: WnnSpec, onNote: NoteListener = console.warn): Promise<WnnCompute> {
  // Imported when needed, so that a bundle whose user chooses another compute does not carry the kernels.
  const { createSingleThreadCompute } = await import('../kernels/single.js');
  try {
    return (await createThreadedCompute(spec, onNote)) ?? (await createSingleThreadCompute(spec));
  } catch (error) {
    if (typeof WebAssembly === 'object' && !(error instanceof WebAssembly.CompileError)) throw error;
    return createTfjsCompute(spec);
  }
}

/** The kernels on Web Workers, or null where there is one thread only. */
async function createThreadedCompute(spec: WnnSpec, onNote: NoteListener): Promise<WnnCompute | null> {
  const { canShareMemory, webThreads } = await import('../kernels/webThreads.js');
  if (!canShareMemory()) return null;
  const threads = Math.min(navigator.hardwareConcurrency, MOST_THREADS);
  if (!(threads > 1)) return null;
  const { createPoolCompute } = await import('../kernels/pool.js');
  try {
    return await createPoolCompute(spec, webThreads(threads));
  } catch (error) {
    if (error instanceof WebAssembly.CompileError) throw error;
    onNote(`Nowcasting on one thread: workers could not start (${(error as Error).message}); allow worker-src blob:`);
    return null;
  }
}
