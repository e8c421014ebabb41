// What runs the networks when the user does not choose: the fused kernels, or tfjs where this engine of JavaScript
// cannot run them.

import type { WnnCompute } from '../nowcaster/compute.js';
import type { WnnSpec } from '../nowcaster/spec.js';
import { createTfjsCompute } from '../nowcaster/tfjsCompute.js';

/**
 * The fused WebAssembly kernels on the calling thread; without WebAssembly SIMD, or where a page's security policy
 * forbids WebAssembly, tfjs on its current backend. Which one it is stands in its description.
 */
export async function createDefaultCompute(spec: WnnSpec): Promise<WnnCompute> {
  // Imported when needed, so that a bundle whose user chooses another compute does not carry the kernels.
  const { createSingleThreadCompute } = await import('../kernels/single.js');
  try {
    return await createSingleThreadCompute(spec);
  } catch (error) {
    if (typeof WebAssembly === 'object' && !(error instanceof WebAssembly.CompileError)) throw error;
    return createTfjsCompute(spec);
  }
}
