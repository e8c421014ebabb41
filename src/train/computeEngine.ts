// What computes the network during training: the wasm kernels, or TensorFlow.js on an open engine.

import * as tf from '@tensorflow/tfjs-core';
import { type EngineRequest, openEngine } from '../engine/engine.js';
import { EngineUnavailableError } from '../errors.js';
import { createWasmCompute } from '../kernels/index.js';
import type { WnnCompute } from '../nowcaster/compute.js';
import type { WnnSpec } from '../nowcaster/spec.js';
import { createTfjsCompute } from '../nowcaster/tfjsCompute.js';

/** What a user may ask for: an engine by name, or `auto`. */
export type ComputeRequest = EngineRequest;

/** An engine that makes networks computable, one spec at a time. */
export interface ComputeEngine {
  /** Name for the record: `wasm`, `tensorflow`. */
  name: string;
  open(spec: WnnSpec): Promise<WnnCompute>;
}

/** Whether the TensorFlow.js backend that is current runs on a GPU. */
function isOnGpu(): boolean {
  return (tf.backend() as { isUsingGpuDevice?: boolean }).isUsingGpuDevice === true;
}

/**
 * Chooses the engine. `auto` takes tensorflow where it opens on a GPU, and the wasm kernels elsewhere.
 *
 * @param threads threads of the wasm kernels; undefined: one a core.
 * @throws {@link EngineUnavailableError} when the engine that was asked for cannot open.
 */
export async function chooseComputeEngine(request: ComputeRequest, threads?: number): Promise<ComputeEngine> {
  const openTfjs = async (spec: WnnSpec) => createTfjsCompute(spec);
  if (request === 'auto') {
    try {
      await openEngine('tensorflow');
      if (isOnGpu()) return { name: 'tensorflow', open: openTfjs };
    } catch (error) {
      if (!(error instanceof EngineUnavailableError)) throw error;
    }
  } else if (request !== 'wasm') {
    const { name } = await openEngine(request);
    return { name, open: openTfjs };
  }
  return { name: 'wasm', open: (spec) => createWasmCompute(spec, { threads }) };
}
