// The pool's threads in Node: worker threads and the calling thread, which also computes and then blocks until the last
// group is finished. See job.ts for jobs and pool.ts for their results.

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { setImmediate } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { EngineUnavailableError } from '../errors.js';
import { Word } from './job.js';
import type { ThreadStarter } from './pool.js';
import type { ThreadStart } from './thread.js';

/** Maximum milliseconds that the calling thread blocks before it checks whether a worker has died. */
const CHECK_INTERVAL = 250;

async function startWorker(file: string, start: ThreadStart): Promise<Worker> {
  const worker = new Worker(file, { workerData: start, execArgv: [] });
  await once(worker, 'message');
  worker.unref();
  return worker;
}

/**
 * Creates a starter of `count` threads: the calling one and `count - 1` workers, which do not keep the process alive.
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
        // Pending work of this thread, such as gathering the next batch, runs while the workers compute.
        await setImmediate();
        takeGroups();
        for (let done = Atomics.load(control, Word.done); done < groups; done = Atomics.load(control, Word.done)) {
          if (Atomics.wait(control, Word.done, done, CHECK_INTERVAL) === 'timed-out') await setImmediate();
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
