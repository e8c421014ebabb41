// What computes the network during training: the wasm kernels, the WGSL kernels, or TensorFlow.js. TensorFlow.js is
// loaded only where it is asked for, as that takes longer than training a small nowcaster.

import type { EngineRequest } from '../engine/engine.js';
import { EngineUnavailableError } from '../errors.js';
import { createWasmCompute } from '../kernels/index.js';
import type { WnnCompute } from '../nowcaster/compute.js';
import type { WnnSpec } from '../nowcaster/spec.js';

/** What a user may ask for: an engine by name, or `auto`. */
export type ComputeRequest = EngineRequest;

/** An engine that makes networks computable, one spec at a time. */
export interface ComputeEngine {
  /** Name for the record: `wasm`, `tensorflow`, `webgpu`. */
  name: string;
  open(spec: WnnSpec): Promise<WnnCompute>;
}

/** Opens tensorflow by way of TensorFlow.js. */
async function openTensorflow(): Promise<ComputeEngine> {
  const { openEngine } = await import('../engine/engine.js');
  const { createTfjsCompute } = await import('../nowcaster/tfjsCompute.js');
  const { name } = await openEngine('tensorflow');
  return { name, open: async (spec) => createTfjsCompute(spec) };
}

/** The tensorflow engine where it opens on a GPU, else null. */
async function openGpuEngine(): Promise<ComputeEngine | null> {
  try {
    const engine = await openTensorflow();
    const { backend } = await import('@tensorflow/tfjs-core');
    return (backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice ? engine : null;
  } catch (error) {
    if (error instanceof EngineUnavailableError) return null;
    throw error;
  }
}

/** Opens the WGSL kernels on the device of the webgpu engine. */
async function openWebgpu(adapter?: string): Promise<ComputeEngine> {
  const { openWebgpuDevice } = await import('../engine/index.js');
  const { createWebgpuCompute } = await import('../kernels/webgpu/index.js');
  const device = await openWebgpuDevice(adapter);
  return { name: 'webgpu', open: (spec) => createWebgpuCompute(spec, device) };
}

/**
 * Chooses the engine. `auto` takes tensorflow where it opens on a GPU, and the wasm kernels elsewhere.
 *
 * @param threads threads of the wasm kernels; undefined: one a core.
 * @param adapter GPU for webgpu, or a part of its name; undefined: the one that the system prefers.
 * @throws {@link EngineUnavailableError} when the engine that was asked for cannot open.
 */
export async function chooseComputeEngine(
  request: ComputeRequest,
  threads?: number,
  adapter?: string,
): Promise<ComputeEngine> {
  const wasm: ComputeEngine = { name: 'wasm', open: (spec) => createWasmCompute(spec, { threads }) };
  switch (request) {
    case 'auto':
      return (await openGpuEngine()) ?? wasm;
    case 'wasm':
      return wasm;
    case 'tensorflow':
      return openTensorflow();
    case 'webgpu':
      return openWebgpu(adapter);
    default:
      return request satisfies never;
  }
}
