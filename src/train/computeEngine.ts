// What computes the network during training: the wasm kernels, or TensorFlow.js on an open engine. TensorFlow.js is
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
  /** Name for the record: `wasm`, `tensorflow`. */
  name: string;
  open(spec: WnnSpec): Promise<WnnCompute>;
}

/** Opens an engine of TensorFlow.js. */
async function openTfjsEngine(request: Exclude<ComputeRequest, 'auto'>): Promise<ComputeEngine> {
  const { openEngine } = await import('../engine/engine.js');
  const { createTfjsCompute } = await import('../nowcaster/tfjsCompute.js');
  const { name } = await openEngine(request);
  return { name, open: async (spec) => createTfjsCompute(spec) };
}

/** The tensorflow engine where it opens on a GPU, else null. */
async function openGpuEngine(): Promise<ComputeEngine | null> {
  try {
    const engine = await openTfjsEngine('tensorflow');
    const { backend } = await import('@tensorflow/tfjs-core');
    return (backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice ? engine : null;
  } catch (error) {
    if (error instanceof EngineUnavailableError) return null;
    throw error;
  }
}

/**
 * Chooses the engine. `auto` takes tensorflow where it opens on a GPU, and the wasm kernels elsewhere.
 *
 * @param threads threads of the wasm kernels; undefined: one a core.
 * @throws {@link EngineUnavailableError} when the engine that was asked for cannot open.
 */
export async function chooseComputeEngine(request: ComputeRequest, threads?: number): Promise<ComputeEngine> {
  const gpu = request === 'auto' ? await openGpuEngine() : null;
  if (gpu) return gpu;
  if (request !== 'auto' && request !== 'wasm') return openTfjsEngine(request);
  return { name: 'wasm', open: (spec) => createWasmCompute(spec, { threads }) };
}
