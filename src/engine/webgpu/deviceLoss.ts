// Turns what goes wrong on a GPU behind the program's back, loss of the device or of memory, into errors at the next
// computation or read, so that a training loop ends in good order and keeps its last checkpoint. Nothing from Node.

import { EngineUnavailableError, OutOfMemoryError, type WnnError } from '../../errors.js';
import { GPU_MEMORY_REMEDY, makeSizeError } from './memory.js';

/** Knows whether a device still computes. */
export interface DeviceWatch {
  /** @throws EngineUnavailableError once the device has been lost, OutOfMemoryError once its memory was not enough. */
  check(): void;
  /** Waits for work of the device; rejects as {@link check} throws when the device fails before it is done. */
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
  let failure: WnnError | undefined;
  let reject: (error: Error) => void = () => {};
  const failed = new Promise<never>((_, fail) => {
    reject = fail;
  });
  failed.catch(() => {});
  const fail = (error: WnnError) => {
    failure ??= error;
    reject(failure);
  };
  const failDevice = (what: string, remedy: string) =>
    fail(new EngineUnavailableError({ what, where: adapter, remedy }));
  device.lost.then(({ message, reason }) => {
    const detail = message.split('\n')[0] || reason || 'no reason given';
    failDevice(`the GPU was lost (${detail})`, 'start the command again: it goes on from the last checkpoint');
  });
  device.addEventListener('uncapturederror', (event) => {
    // Dawn in Node prints what nobody claims.
    event.preventDefault();
    const { error } = event as GPUUncapturedErrorEvent;
    if (error.constructor.name === 'GPUOutOfMemoryError') {
      fail(new OutOfMemoryError({ what: 'out of GPU memory', where: adapter, remedy: GPU_MEMORY_REMEDY }));
    } else {
      failDevice(
        `the GPU refused a computation (${error.message.split('\n')[0]})`,
        'use another engine, and report it',
      );
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

/** What of tfjs-backend-webgpu passes every computation, every buffer and every result. */
export interface WatchedBackend {
  // biome-ignore lint/suspicious/noExplicitAny: passed through as it comes
  runWebGPUProgram(...args: any[]): any;
  // biome-ignore lint/suspicious/noExplicitAny: passed through as it comes
  read(dataId: object): Promise<any>;
  bufferManager: {
    acquireBuffer(size: number, usage: GPUBufferUsageFlags, mapped?: boolean, reuse?: boolean): GPUBuffer;
  };
}

/**
 * Lets a backend throw as soon as its device has failed, and when a tensor is larger than any buffer of the device.
 *
 * @param adapter name of the GPU, for the errors.
 */
export function guardBackend(backend: WatchedBackend, device: GPUDevice, adapter: string): void {
  const watch = watchDevice(device, adapter);
  const { runWebGPUProgram, read, bufferManager } = backend;
  const { acquireBuffer } = bufferManager;
  backend.runWebGPUProgram = (...args) => {
    watch.check();
    return runWebGPUProgram.apply(backend, args);
  };
  backend.read = async (dataId) => {
    watch.check();
    return watch.race(read.call(backend, dataId));
  };
  bufferManager.acquireBuffer = (size, usage, mapped, reuse) => {
    // Asked for, such a buffer would only be reported later, as a mistake of the program.
    const error = makeSizeError(device.limits, size, adapter);
    if (error !== null) throw error;
    const buffer = acquireBuffer.call(bufferManager, size, usage, mapped, reuse);
    watch.check();
    return buffer;
  };
}
