// Chooses the compute engine for nowcaster training: the fused WebAssembly or WebGPU kernels of the family, or
// TensorFlow.js, which is loaded on demand because loading takes longer than training a small nowcaster.

import type { EngineRequest } from '../engine/engine.js';
import { EngineUnavailableError } from '../errors.js';
import { loadWebgpuKernels } from '../families/webgpuKernels.js';
import type { NetworkCompute } from '../network/compute.js';
import type { NowcasterSpec } from '../network/spec.js';
import { networkOf } from '../nowcaster/spec.js';
import { createWasmCompute } from './wasmCompute.js';

/** An engine by name, or `auto`. */
export type ComputeRequest = EngineRequest;

/** An open engine, which creates a compute for a spec. */
export interface ComputeEngine {
  /** Name written to the training record: `wasm`, `tensorflow`, `webgpu`. */
  name: string;
  open(spec: NowcasterSpec): Promise<NetworkCompute>;
}

/** Opens a TensorFlow.js engine, which supports every family. */
async function openTfjs(engine: EngineRequest, adapter?: string): Promise<ComputeEngine> {
  const { openEngine } = await import('../engine/engine.js');
  const { createGenericCompute } = await import('./genericCompute.js');
  const { name } = await openEngine(engine, { adapter });
  return { name, open: async (spec) => createGenericCompute(spec) };
}

/** The tensorflow engine where it opens on a GPU, else null. */
async function openGpuEngine(): Promise<ComputeEngine | null> {
  try {
    const engine = await openTfjs('tensorflow');
    const { backend } = await import('@tensorflow/tfjs-core');
    return (backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice ? engine : null;
  } catch (error) {
    if (error instanceof EngineUnavailableError) return null;
    throw error;
  }
}

/** Opens the fused WebGPU kernels, or TensorFlow.js on webgpu for a family without them. */
async function openWebgpu(adapter?: string): Promise<ComputeEngine> {
  const { openWebgpuDevice } = await import('../engine/index.js');
  const device = await openWebgpuDevice(adapter);
  return {
    name: 'webgpu',
    async open(spec) {
      const openKernels = await loadWebgpuKernels(spec.family);
      if (openKernels !== null) return openKernels(spec, networkOf(spec), device);
      return (await openTfjs('webgpu', adapter)).open(spec);
    },
  };
}

/** Opens the WebAssembly kernels. */
function openWasm(threads?: number): ComputeEngine {
  return { name: 'wasm', open: (spec) => createWasmCompute(spec, { threads }) };
}

/**
 * Chooses the engine. `auto` takes tensorflow where it opens on a GPU, and the wasm kernels elsewhere.
 *
 * @param threads threads of the wasm kernels; undefined: one per core.
 * @param adapter GPU for webgpu, or a part of its name; undefined: the system default.
 * @throws {@link EngineUnavailableError} when the requested engine cannot be opened.
 */
export async function chooseComputeEngine(
  request: ComputeRequest,
  threads?: number,
  adapter?: string,
): Promise<ComputeEngine> {
  switch (request) {
    case 'auto':
      return (await openGpuEngine()) ?? openWasm(threads);
    case 'wasm':
      return openWasm(threads);
    case 'tensorflow':
      return openTfjs('tensorflow');
    case 'webgpu':
      return openWebgpu(adapter);
    default:
      return request satisfies never;
  }
}
