// What computes networks during training: the fused kernels of their family, in WebAssembly or WebGPU, or TensorFlow.js.
// TensorFlow.js is loaded only where it is needed, as that takes longer than training a small nowcaster.

import type { EngineRequest } from '../engine/engine.js';
import { EngineUnavailableError } from '../errors.js';
import { loadWebgpuKernels } from '../families/webgpuKernels.js';
import type { NetworkCompute } from '../network/compute.js';
import type { NowcasterSpec } from '../network/spec.js';
import { networkOf } from '../nowcaster/spec.js';
import { openWasmKernels } from './wasmCompute.js';

/** What a user may ask for: an engine by name, or `auto`. */
export type ComputeRequest = EngineRequest;

/** An engine that makes networks computable, one spec at a time. */
export interface ComputeEngine {
  /** Name for the record: `wasm`, `tensorflow`, `webgpu`. */
  name: string;
  open(spec: NowcasterSpec): Promise<NetworkCompute>;
}

/** Opens an engine of TensorFlow.js, which computes the networks of every family. */
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

/** Opens the fused WebAssembly kernels, or TensorFlow.js on wasm for a family without them. */
function openWasm(threads?: number): ComputeEngine {
  return {
    name: 'wasm',
    open: async (spec) => (await openWasmKernels(spec, { threads })) ?? (await openTfjs('wasm')).open(spec),
  };
}

/**
 * Chooses the engine. `auto` takes tensorflow where it opens on a GPU, and the wasm kernels elsewhere.
 *
 * @param threads threads of the fused wasm kernels; undefined: one a core.
 * @param adapter GPU for webgpu, or a part of its name; undefined: the one that the system prefers.
 * @throws {@link EngineUnavailableError} when the engine that was asked for cannot open.
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
