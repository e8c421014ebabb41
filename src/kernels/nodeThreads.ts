// The pool's threads in Node: worker threads, and the calling thread, which computes too and sleeps at the end of a job
// until the last group is done. Not: jobs (job.ts) and what comes of them (pool.ts).

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { EngineUnavailableError } from '../errors.js';
import { Word } from './job.js';
import type { ThreadStarter } from './pool.js';
import type { ThreadStart } from './thread.js';

/** How long the calling thread sleeps at a stretch, in milliseconds; then it looks whether a worker has died. */
const NAP = 250;

async function startWorker(file: string, start: ThreadStart): Promise<Worker> {
  const worker = new Worker(file, { workerData: start, execArgv: [] });
  await once(worker, 'message');
  worker.unref();
  return worker;
}

/**
 * Makes a starter of `count` threads: the calling one and `count - 1` workers, which do not keep the process alive.
 *
 * @param file compiled module of a worker.
 */
export function nodeThreads(file: string, count: number): ThreadStarter {
  return async (start, takeGroups) => {
    if (!existsSync(file))
      throw new EngineUnavailableError({ what: 'no compiled worker', where: file, remedy: 'run: npm run build' });
    const workers = await Promise.all(Array.from({ length: count - 1 }, () => startWorker(file, start)));
    let death: unknown;
    for (const worker of workers) {
      worker.on('error', (error) => {
        death = error;
      });
      worker.on('exit', (code) => {
        death ??= new Error(`a kernel thread ended with status ${code}`);
      });
    }

    const { control } = start.job;
    return {
      count,
      async finishJob(groups) {
        // Whatever waits for this thread, such as the gathering of the next batch, is done while the workers compute.
        await setImmediate();
        takeGroups();
        for (let done = Atomics.load(control, Word.done); done < groups; done = Atomics.load(control, Word.done)) {
          if (Atomics.wait(control, Word.done, done, NAP) === 'timed-out') await setImmediate();
          if (death !== undefined) throw death;
        }
      },
      async end() {
        for (const worker of workers) worker.removeAllListeners();
        await Promise.all(workers.map((worker) => worker.terminate()));
      },
    };
  };
}
