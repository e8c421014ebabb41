// The fused kernels on the calling thread, for browsers and for Node. Not: several threads (pool.ts).

import type { WnnCompute } from '../nowcaster/compute.js';
import type { WnnSpec } from '../nowcaster/spec.js';
import { makeBreather, makeQueue } from './breath.js';
import { groupSizeOf } from './groups.js';
import { CHUNK, compileKernels, openInstance } from './instance.js';

/**
 * Opens the fused WebAssembly kernels on the calling thread. Needs WebAssembly SIMD (Chrome 91, Firefox 89, Safari 16.4,
 * Node 16) and, under a content security policy, `wasm-unsafe-eval`. Nothing is fetched: the binary is in the module.
 *
 * Arguments of exp are held to [-87.3, 88.7], so exp itself stays finite; where the network overflows after it, answers
 * are +-1 or NaN, and `lossAndGradients` returns NaN.
 *
 * @throws {WebAssembly.CompileError} where the engine lacks SIMD.
 */
export async function createSingleThreadCompute(spec: WnnSpec): Promise<WnnCompute> {
  const kernels = await openInstance(await compileKernels(), spec);
  const breathe = makeBreather(globalThis.setImmediate ?? setTimeout);
  const enqueue = makeQueue();

  return {
    spec,
    description: 'wasm, 1 thread',
    forward: (parameters, windows, count, answers) =>
      enqueue(async () => {
        kernels.setParameters(parameters);
        for (let first = 0; first < count; first += 32 * CHUNK) {
          await breathe();
          kernels.forward(windows, first, Math.min(32 * CHUNK, count - first), answers);
        }
      }),
    forecast: (parameters, history, out, output) =>
      enqueue(async () => {
        kernels.setParameters(parameters);
        for (let first = 0; first < out.length; first += 32 * CHUNK) {
          await breathe();
          kernels.forecast(history, first, Math.min(32 * CHUNK, out.length - first), output, out);
        }
      }),
    lossAndGradients: (parameters, windows, targets, count, loss, gradients) =>
      enqueue(async () => {
        kernels.setParameters(parameters);
        kernels.resetTotals();
        const size = groupSizeOf(count);
        let total = 0;
        for (let first = 0; first < count; first += size) {
          await breathe();
          total += kernels.sumGroup(windows, targets, first, Math.min(size, count - first), loss);
          kernels.addToTotals();
        }
        const mean = 1 / (count * spec.horizons.length);
        return kernels.finish(mean, gradients) ? total * mean : Number.NaN;
      }),
    dispose: () => Promise.resolve(),
  };
}
