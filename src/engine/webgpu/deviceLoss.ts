// Converts asynchronous GPU failures (device loss, out of memory) to errors at the next computation or read, so that a
// training loop ends cleanly and keeps its last checkpoint. Does not use Node.

import { EngineUnavailableError, OutOfMemoryError, type WnnError } from '../../errors.js';
import { GPU_MEMORY_REMEDY, makeSizeError } from './memory.js';

/** Monitors a device for failures. */
export interface DeviceWatch {
  /** @throws EngineUnavailableError once the device has been lost, OutOfMemoryError once its memory was not enough. */
  check(): void;
  /** Waits for work of the device; rejects with the error of {@link check} when the device fails first. */
  race<T>(work: Promise<T>): Promise<T>;
}

const watches = new WeakMap<GPUDevice, DeviceWatch>();

/**
 * Watches a device. Repeated calls return the same watch.
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
    // Dawn in Node prints unhandled errors.
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
        // A read may fail before the device loss is reported.
        await new Promise((resolve) => setTimeout(resolve));
        throw failure ?? error;
      }
    },
  };
  watches.set(device, watch);
  return watch;
}

/** The methods of tfjs-backend-webgpu that every computation, buffer and result passes through. */
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
 * Makes a backend throw when its device has failed, and when a tensor exceeds the buffer size limit of the device.
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
    // The device would report such a buffer only later, as a validation error.
    const error = makeSizeError(device.limits, size, adapter);
    if (error !== null) throw error;
    const buffer = acquireBuffer.call(bufferManager, size, usage, mapped, reuse);
    watch.check();
    return buffer;
  };
}
