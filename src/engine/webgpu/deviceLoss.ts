// Turns what goes wrong on a GPU behind the program's back, loss of the device or of memory, into errors at the next
// computation or read, so that a training loop ends in good order and keeps its last checkpoint. Nothing from Node.

import { EngineUnavailableError } from '../../errors.js';

/** Knows whether a device still computes. */
export interface DeviceWatch {
  /** @throws EngineUnavailableError once the device has failed. */
  check(): void;
  /** Waits for work of the device; rejects with EngineUnavailableError when the device fails before it is done. */
  race<T>(work: Promise<T>): Promise<T>;
}

const watches = new WeakMap<GPUDevice, DeviceWatch>();

/**
 * Watches a device, once however often it is called.
 *
 * @param adapter name of the GPU, for the errors.
 */
export function watchDevice(device: GPUDevice, adapter: string): DeviceWatch {
  const known = watches.get(device);
  if (known !== undefined) return known;
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
    // Dawn in Node prints what nobody claims.
    event.preventDefault();
    const { error } = event as GPUUncapturedErrorEvent;
    if (error.constructor.name === 'GPUOutOfMemoryError') {
      fail('out of GPU memory', 'use a smaller batch, or another adapter with --adapter');
    } else {
      fail(`the GPU refused a computation (${error.message.split('\n')[0]})`, 'use another engine, and report it');
    }
  });
  const watch: DeviceWatch = {
    check() {
      if (failure) throw failure;
    },
    async race(work) {
      if (failure) throw failure;
      try {
        return await Promise.race([work, failed]);
      } catch (error) {
        // A read that the loss cut off may fail before the loss is told.
        await new Promise((resolve) => setTimeout(resolve));
        throw failure ?? error;
      }
    },
  };
  watches.set(device, watch);
  return watch;
}

/** What of tfjs-backend-webgpu passes every computation and every result. */
export interface WatchedBackend {
  // biome-ignore lint/suspicious/noExplicitAny: passed through as it comes
  runWebGPUProgram(...args: any[]): any;
  // biome-ignore lint/suspicious/noExplicitAny: passed through as it comes
  read(dataId: object): Promise<any>;
}

/** Lets a backend throw as soon as its device has failed. */
export function guardBackend(backend: WatchedBackend, watch: DeviceWatch): void {
  const { runWebGPUProgram, read } = backend;
  backend.runWebGPUProgram = (...args) => {
    watch.check();
    return runWebGPUProgram.apply(backend, args);
  };
  backend.read = async (dataId) => {
    watch.check();
    return watch.race(read.call(backend, dataId));
  };
}
