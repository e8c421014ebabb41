// Turns what goes wrong on a GPU behind the program's back, loss of the device or of memory, into errors at the next
// computation or read, so that a training loop ends in good order and keeps its last checkpoint.

import { EngineUnavailableError } from '../../errors.js';

/** What of tfjs-backend-webgpu passes every computation and every result. */
export interface WatchedBackend {
  // biome-ignore lint/suspicious/noExplicitAny: passed through as it comes
  runWebGPUProgram(...args: any[]): any;
  // biome-ignore lint/suspicious/noExplicitAny: passed through as it comes
  read(dataId: object): Promise<any>;
}

/** Watches a device; from a loss on, the backend throws EngineUnavailableError. */
export function watchDevice(device: GPUDevice, backend: WatchedBackend, adapter: string): void {
  let failure: EngineUnavailableError | undefined;
  let reject: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, fail) => {
    reject = fail;
  });
  failed.catch(() => {});
  const fail = (what: string, remedy: string) => {
    failure ??= new EngineUnavailableError({ what, where: adapter, remedy });
    reject(failure);
  };

  device.lost.then(({ message, reason }) => {
    const detail = message.split('\n')[0] || reason || 'no reason given';
    fail(`the GPU was lost (${detail})`, 'start the command again: it goes on from the last checkpoint');
  });
  device.addEventListener('uncapturederror', (event) => {
    const { error } = event as GPUUncapturedErrorEvent;
    if (error.constructor.name === 'GPUOutOfMemoryError') {
      fail('out of GPU memory', 'use a smaller batch, or another adapter with --adapter');
    } else {
      fail(`the GPU refused a computation (${error.message.split('\n')[0]})`, 'use another engine, and report it');
    }
  });

  const { runWebGPUProgram, read } = backend;
  backend.runWebGPUProgram = (...args) => {
    if (failure) throw failure;
    return runWebGPUProgram.apply(backend, args);
  };
  backend.read = async (dataId) => {
    if (failure) throw failure;
    return Promise.race([read.call(backend, dataId), failed]);
  };
}
