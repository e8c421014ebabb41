// The pool's threads in a page with shared memory: Web Workers whose script is a string in the module, so that they work
// with any bundler and static server. The calling thread only waits for messages, so the page stays responsive.
// See job.ts for jobs and pool.ts for their results.

import { Word } from './job.js';
import type { ThreadStarter } from './pool.js';
import type { ThreadStart } from './thread.js';

/** A message of a Web Worker: it is ready, it has finished a job, or it has failed. */
export type ThreadMessage = 'ready' | 'ended' | { failure: string };

/** Whether this is a page, or a worker of one, with shared memory. */
export function canShareMemory(): boolean {
  return (
    globalThis.crossOriginIsolated === true &&
    typeof Worker === 'function' &&
    typeof SharedArrayBuffer === 'function' &&
    typeof navigator === 'object'
  );
}

/** The error of a worker that failed or did not start. */
function failureOf(event: Event | ThreadMessage): Error {
  if (typeof event === 'object' && 'failure' in event) return new Error(`a kernel thread failed: ${event.failure}`);
  const { message } = event as ErrorEvent;
  return new Error(message ? `a kernel thread failed: ${message}` : 'a kernel thread could not start');
}

/** Starts a worker and waits until it is ready. */
function startWorker(address: string, start: ThreadStart): Promise<Worker> {
  const worker = new Worker(address, { name: 'weight-nowcaster' });
  return new Promise((resolve, reject) => {
    const fail = (event: Event | ThreadMessage) => {
      worker.terminate();
      reject(failureOf(event));
    };
    worker.onerror = fail;
    worker.onmessage = ({ data }: MessageEvent<ThreadMessage>) => (data === 'ready' ? resolve(worker) : fail(data));
    worker.postMessage(start);
  });
}

async function startWorkers(source: string, count: number, start: ThreadStart): Promise<Worker[]> {
  const address = URL.createObjectURL(new Blob([source], { type: 'text/javascript' }));
  try {
    const starts = await Promise.allSettled(Array.from({ length: count }, async () => startWorker(address, start)));
    const workers = starts.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = starts.find((one) => one.status === 'rejected');
    if (failed === undefined) return workers;
    for (const worker of workers) worker.terminate();
    throw failed.reason;
  } finally {
    URL.revokeObjectURL(address);
  }
}

/**
 * Creates a starter of `count` Web Workers. Starting them fails where the page's security policy forbids workers from blobs
 * (`worker-src blob:`).
 *
 * @param source the worker's script, a classic one.
 */
export function webThreads(source: string, count: number): ThreadStarter {
  return async (start) => {
    const workers = await startWorkers(source, count, start);
    const { control } = start.job;
    let failure: Error | undefined;
    let wake = () => {};
    for (const worker of workers) {
      worker.onmessage = ({ data }: MessageEvent<ThreadMessage>) => {
        if (data !== 'ended') failure = failureOf(data);
        wake();
      };
      worker.onerror = (event) => {
        failure = failureOf(event);
        wake();
      };
    }
    return {
      count,
      async finishJob(groups) {
        // Checked before the groups: a terminated worker may run for a moment longer.
        while (failure === undefined) {
          const message = new Promise<void>((resolve) => {
            wake = resolve;
          });
          if (Atomics.load(control, Word.done) >= groups) return;
          await message;
        }
        throw failure;
      },
      async end() {
        for (const worker of workers) worker.terminate();
        failure = new Error('the threads have been ended');
        wake();
      },
    };
  };
}
