// Opens a compute engine: sets the TensorFlow.js backend of this process and completes it for training. It is not an
// abstraction over TensorFlow.js: once an engine is open, models and tensors are used as ever.

import * as tf from '@tensorflow/tfjs-core';
// Registers the gradients: tfjs-core leaves that to its caller, and its own module for it is not loadable in Node.
import '@tensorflow/tfjs-layers';
import { EngineUnavailableError, UsageError } from '../errors.js';
import type { NoteListener } from '../progress.js';
import { ENGINE_NAMES, type Engine, type EngineName } from './openedEngine.js';
import { mayHaveGpu, openTensorflow } from './tensorflow/open.js';
import { openWasm } from './wasm/open.js';
import { openWebgpu } from './webgpu/open.js';

export { ENGINE_NAMES, type Engine, type EngineName };

/**
 * The engines that `auto` tries, in this order; tensorflow counts only where it has a GPU, as without one it is slower
 * than wasm on small networks, of which every core trains its own. webgpu is not among them: an adapter may be a slow one
 * in software, so it is for the user to choose.
 */
export const AUTO_ORDER: readonly EngineName[] = ['tensorflow', 'wasm'];

/** What a user may ask for: one engine, or the first that opens. */
export type EngineRequest = 'auto' | EngineName;

/** Whether a value from outside is such a request. */
export function isEngineRequest(value: unknown): value is EngineRequest {
  return value === 'auto' || ENGINE_NAMES.includes(value as EngineName);
}

/** Options of {@link openEngine}. */
export interface OpenEngineOptions {
  /** Receives one line for each engine that `auto` passed over. Default: nobody hears of it. */
  onNote?: NoteListener;
  /** For webgpu: the name of the GPU to use, or a part of it. Default: the one that the system prefers. */
  adapter?: string;
}

/** Engines opened in this process. A failure is kept too: what could not open a moment ago still cannot. */
const opened = new Map<string, Promise<Engine>>();

/**
 * Opens an engine and makes it the TensorFlow.js backend. Calling it again with the same request costs nothing.
 * Warnings of TensorFlow.js that address its own developers are silenced (its production mode).
 *
 * @param request Engine to open, or `auto` for the first of {@link AUTO_ORDER} that opens.
 * @throws EngineUnavailableError if the engine that was asked for cannot open here; its message says why.
 * @throws UsageError if there is no engine of that name.
 */
export async function openEngine(request: EngineRequest, options: OpenEngineOptions = {}): Promise<Engine> {
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
