// Opens the wasm engine: tfjs-backend-wasm, completed with the kernels that training needs.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { EngineUnavailableError, OutOfMemoryError } from '../../errors.js';
import type { Engine } from '../openedEngine.js';
import { startKernels } from './kernels.js';
import { registerWasmKernels } from './registerKernels.js';

/** Opens the wasm engine. @throws EngineUnavailableError if WebAssembly does not start. */
export async function openWasm(): Promise<Engine> {
  const backend = await import('@tensorflow/tfjs-backend-wasm');
  const listeners = processListeners();
  const simd = (await tf.env().getAsync('WASM_HAS_SIMD_SUPPORT')) === true;
  const started = simd && (await tf.setBackend('wasm').catch(() => false));
  if (!started) {
    throw new EngineUnavailableError({
      what: 'engine wasm does not open',
      where: `Node ${process.version} ${simd ? 'does not start WebAssembly' : 'has no WebAssembly SIMD here'}`,
      remedy: 'use Node 20 or later without --jitless on a processor with SSE4.1 or NEON, or another engine',
    });
  }
  await tf.ready();
  removeNewListeners(listeners);
  const { wasm } = tf.backend() as tf.KernelBackend & { wasm: { onAbort?: (reason: string) => void } };
  wasm.onAbort = explainAbort;
  registerWasmKernels(await startKernels(tf.backend() as BackendWasm));
  const threads = Math.max(1, backend.getThreadsCount() || 1);
  return {
    name: 'wasm',
    description: `wasm (SIMD, ${threads} thread${threads === 1 ? '' : 's'})`,
    version: backend.version_wasm,
    devices: [],
    usesGpu: false,
  };
}

/**
 * The abort handler of the wasm module, which aborts with a bare `Aborted()` when memory runs out. Throws the toolkit's
 * error instead. The module cannot be used afterwards.
 */
function explainAbort(reason: string): never {
  throw new OutOfMemoryError({
    what: `the wasm engine aborted${reason ? ` (${reason})` : ''}, most likely out of the 4 GiB that it can address`,
    where: `${Math.round(tf.memory().numBytes / 2 ** 20)} MiB in tensors`,
    remedy: 'use a smaller batch or a narrower network, or another engine',
  });
}

const HANDLED_EVENTS = ['uncaughtException', 'unhandledRejection'] as const;

type Listeners = Map<string, unknown[]>;

function processListeners(): Listeners {
  return new Map(HANDLED_EVENTS.map((event) => [event, process.rawListeners(event)]));
}

/**
 * Removes the handlers of uncaught errors that the wasm module installs for the whole process.
 */
function removeNewListeners(before: Listeners): void {
  for (const event of HANDLED_EVENTS) {
    for (const listener of process.rawListeners(event)) {
      if (!before.get(event)?.includes(listener)) process.removeListener(event, listener as () => void);
    }
  }
}
