// Opens a compute engine: sets the TensorFlow.js backend of this process and adds the kernels that training needs. It is
// not an abstraction over TensorFlow.js: models and tensors are used as usual.

import * as tf from '@tensorflow/tfjs-core';
import { FUNCTION, requireOptions, TEXT } from '../optionTypes.js';
// Registers the gradients: tfjs-core does not, and its module for it cannot be loaded in Node.
import '@tensorflow/tfjs-layers';
import { EngineUnavailableError, UsageError } from '../errors.js';
import type { NoteListener } from '../progress.js';
import { ENGINE_NAMES, type Engine, type EngineName } from './openedEngine.js';
import { mayHaveGpu, openTensorflow } from './tensorflow/open.js';
import { openWasm } from './wasm/open.js';
import { openWebgpu } from './webgpu/open.js';

export { ENGINE_NAMES, type Engine, type EngineName };

/**
 * The engines that `auto` tries, in this order. tensorflow is used only with a GPU: without one it is slower than wasm on
 * small networks, of which every core trains its own. webgpu is not included, since its adapter may be a slow software
 * renderer.
 */
export const AUTO_ORDER: readonly EngineName[] = ['tensorflow', 'wasm'];

/** An engine, or `auto` for the first that opens. */
export type EngineRequest = 'auto' | EngineName;

/** Whether an untrusted value is an engine request. */
export function isEngineRequest(value: unknown): value is EngineRequest {
  return value === 'auto' || ENGINE_NAMES.includes(value as EngineName);
}

/** Options of {@link openEngine}. */
export interface OpenEngineOptions {
  /** Receives one line for each engine that `auto` skipped. Default: none. */
  onNote?: NoteListener;
  /** For webgpu: the name of the GPU to use, or a part of it. Default: the system default. */
  adapter?: string;
}

/** Engines opened in this process. Failures are cached too. */
const opened = new Map<string, Promise<Engine>>();

/**
 * Opens an engine and makes it the TensorFlow.js backend. Repeated calls with the same request are cached.
 * Sets the production mode of TensorFlow.js, which disables its development warnings.
 *
 * @param request Engine to open, or `auto` for the first of {@link AUTO_ORDER} that opens.
 * @throws EngineUnavailableError if the requested engine cannot be opened; its message says why.
 * @throws UsageError if there is no engine of that name.
 */
export async function openEngine(request: EngineRequest, options: OpenEngineOptions = {}): Promise<Engine> {
  requireOptions('openEngine', options, { onNote: FUNCTION, adapter: TEXT });
  if (request !== 'auto') return openNamed(request, request === 'webgpu' ? options.adapter : undefined);
  const reasons: string[] = [];
  for (const name of AUTO_ORDER) {
    try {
      const engine = name === 'tensorflow' && !mayHaveGpu() ? null : await openNamed(name);
      if (engine === null || (name === 'tensorflow' && !engine.usesGpu)) {
        reasons.push('tensorflow has no GPU here; --engine tensorflow takes it all the same');
        continue;
      }
      for (const reason of reasons) options.onNote?.(reason);
      return engine;
    } catch (error) {
      if (!(error instanceof EngineUnavailableError)) throw error;
      reasons.push(error.message);
    }
  }
  throw new EngineUnavailableError({
    what: 'no engine opens',
    where: reasons.join(' | '),
    remedy: 'run `wnn doctor`',
  });
}

async function openNamed(name: EngineName, adapter?: string): Promise<Engine> {
  const key = JSON.stringify([name, adapter]);
  let engine = opened.get(key);
  if (engine === undefined) {
    tf.enableProdMode();
    engine = openBackend(name, adapter);
    opened.set(key, engine);
  }
  const { name: backend } = await engine;
  await tf.setBackend(backend);
  await tf.ready();
  return engine;
}

function openBackend(name: EngineName, adapter: string | undefined): Promise<Engine> {
  switch (name) {
    case 'tensorflow':
      return openTensorflow();
    case 'wasm':
      return openWasm();
    case 'webgpu':
      return openWebgpu(adapter);
    default:
      name satisfies never;
      throw new UsageError({
        what: 'unknown engine',
        where: String(name),
        remedy: `use auto, ${ENGINE_NAMES.join(' or ')}`,
      });
  }
}
