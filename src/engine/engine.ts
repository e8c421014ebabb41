// Opens a compute engine: sets the TensorFlow.js backend of this process and completes it for training. It is not an
// abstraction over TensorFlow.js: once an engine is open, models and tensors are used as ever.

import * as tf from '@tensorflow/tfjs-core';
// Registers the gradients: tfjs-core leaves that to its caller, and its own module for it is not loadable in Node.
import '@tensorflow/tfjs-layers';
import { EngineUnavailableError, UsageError } from '../errors.js';
import type { NoteListener } from '../progress.js';
import { openTensorflow } from './tensorflow/open.js';
import { openWasm } from './wasm/open.js';

/** The engines, in the order in which `auto` tries them. */
export const ENGINE_NAMES = ['tensorflow', 'wasm'] as const;

/** Name of a compute engine. */
export type EngineName = (typeof ENGINE_NAMES)[number];

/** What a user may ask for: one engine, or the first that opens. */
export type EngineRequest = 'auto' | EngineName;

/** An open engine. It is the TensorFlow.js backend of this process from then on. */
export interface Engine {
  name: EngineName;
  /** For people: `wasm (SIMD, 1 thread)`. */
  description: string;
  /** Version of the library that computes: TensorFlow.js for wasm, TensorFlow for tensorflow. */
  version: string;
}

/** Options of {@link openEngine}. */
export interface OpenEngineOptions {
  /** Receives one line for each engine that `auto` passed over. Default: nobody hears of it. */
  onNote?: NoteListener;
}

/** Engines opened in this process. A failure is kept too: what could not open a moment ago still cannot. */
const opened = new Map<EngineName, Promise<Engine>>();

/**
 * Opens an engine and makes it the TensorFlow.js backend. Calling it again with the same request costs nothing.
 * Warnings of TensorFlow.js that address its own developers are silenced (its production mode).
 *
 * @param request Engine to open, or `auto` for the first of {@link ENGINE_NAMES} that opens.
 * @throws EngineUnavailableError if the engine that was asked for cannot open here; its message says why.
 * @throws UsageError if there is no engine of that name.
 */
export async function openEngine(request: EngineRequest, options: OpenEngineOptions = {}): Promise<Engine> {
  if (request !== 'auto') return openNamed(request);
  const reasons: string[] = [];
  for (const name of ENGINE_NAMES) {
    try {
      const engine = await openNamed(name);
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

async function openNamed(name: EngineName): Promise<Engine> {
  let engine = opened.get(name);
  if (engine === undefined) {
    tf.enableProdMode();
    engine = openBackend(name);
    opened.set(name, engine);
  }
  const { name: backend } = await engine;
  await tf.setBackend(backend);
  await tf.ready();
  return engine;
}

function openBackend(name: EngineName): Promise<Engine> {
  switch (name) {
    case 'tensorflow':
      return openTensorflow();
    case 'wasm':
      return openWasm();
    default:
      name satisfies never;
      throw new UsageError({
        what: 'unknown engine',
        where: String(name),
        remedy: `use auto, ${ENGINE_NAMES.join(' or ')}`,
      });
  }
}
