// Runs the fused kernels on the calling thread, in browsers and in Node. For several threads see pool.ts.

import type { NetworkCompute } from '../network/compute.js';
import type { Network } from '../network/network.js';
import type { NowcasterSpec } from '../network/spec.js';
import { groupSizeOf } from './groups.js';
import { CHUNK, type FusedKernels, fusesForecast } from './kernels.js';
import { makeQueue, makeYielder } from './turns.js';

/**
 * Opens the fused WebAssembly kernels on the calling thread. Needs WebAssembly SIMD (Chrome 91, Firefox 89, Safari 16.4,
 * Node 16) and, under a content security policy, `wasm-unsafe-eval`. Nothing is fetched: the binary is in the module.
 *
 * @throws {WebAssembly.CompileError} where the engine lacks SIMD.
 */
export async function createSingleThreadCompute(
  fused: FusedKernels,
  spec: NowcasterSpec,
  network: Network,
): Promise<NetworkCompute> {
  const kernels = await fused.open(await fused.compile(), spec, network);
  const yieldNow = makeYielder(globalThis.setImmediate ?? setTimeout);
  const enqueue = makeQueue();

  const forecast: NetworkCompute['forecast'] = (parameters, history, out, output) =>
    enqueue(async () => {
      kernels.setParameters(parameters);
      for (let first = 0; first < out.length; first += 32 * CHUNK) {
        await yieldNow();
        kernels.forecast(history, first, Math.min(32 * CHUNK, out.length - first), output, out);
      }
    });

  return {
    spec,
    description: 'wasm, 1 thread',
    forward: (parameters, inputs, count, outputs) =>
      enqueue(async () => {
        kernels.setParameters(parameters);
        for (let first = 0; first < count; first += 32 * CHUNK) {
          await yieldNow();
          kernels.forward(inputs, first, Math.min(32 * CHUNK, count - first), outputs);
        }
      }),
    ...(fusesForecast(spec, network) && { forecast }),
    lossAndGradients: (parameters, inputs, targets, count, loss, gradients) =>
      enqueue(async () => {
        kernels.setParameters(parameters);
        kernels.resetTotals();
        const size = groupSizeOf(count);
        let total = 0;
        for (let first = 0; first < count; first += size) {
          await yieldNow();
          total += kernels.sumGroup(inputs, targets, first, Math.min(size, count - first), loss);
          kernels.addToTotals();
        }
        const mean = 1 / (count * spec.horizons.length);
        return kernels.finish(mean, gradients) ? total * mean : Number.NaN;
      }),
    dispose: () => Promise.resolve(),
  };
}
