// The fused kernels on several threads of Node. The calling thread computes too; it sleeps at the end of a batch until
// the last group is done. Groups are added in their order, so the number of threads changes no bit of the result.

import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import { EngineUnavailableError } from '../errors.js';
import type { Loss, WnnCompute } from '../nowcaster/compute.js';
import type { WnnSpec } from '../nowcaster/spec.js';
import { makeBreather, makeQueue } from './breath.js';
import { GROUPS, groupSizeOf } from './groups.js';
import { compileKernels, openInstance } from './instance.js';
import { allocateJob, closeJob, makeLabourer, openJob, Word } from './job.js';
import type { WorkerStart } from './worker.js';

/** How long the calling thread sleeps at a stretch, in milliseconds; then it looks whether a worker has died. */
const NAP = 250;

/** Threads need compiled JavaScript; code that runs from src takes the worker that the build has put into dist. */
function workerFile(): string {
  const path = import.meta.url.endsWith('.ts') ? '../../dist/kernels/worker.js' : './worker.js';
  return fileURLToPath(new URL(path, import.meta.url));
}

async function startWorker(file: string, start: WorkerStart): Promise<Worker> {
  const worker = new Worker(file, { workerData: start, execArgv: [] });
  await once(worker, 'message');
  worker.unref();
  return worker;
}

/** Opens the kernels on `threads` threads: the calling one and `threads - 1` workers. */
export async function createPoolCompute(spec: WnnSpec, threads: number): Promise<WnnCompute> {
  const file = workerFile();
  if (!existsSync(file))
    throw new EngineUnavailableError({ what: 'no compiled worker', where: file, remedy: 'run: npm run build' });
  const module = await compileKernels();
  const kernels = await openInstance(module, spec);
  const job = allocateJob(spec, kernels.sums.length);
  const start: WorkerStart = { module, spec, job };
  const workers = await Promise.all(Array.from({ length: threads - 1 }, () => startWorker(file, start)));
  let death: unknown;
  for (const worker of workers) {
    worker.on('error', (error) => {
      death = error;
    });
    worker.on('exit', (code) => {
      death ??= new Error(`a kernel thread ended with status ${code}`);
    });
  }

  const { control } = job;
  const labour = makeLabourer(kernels, job);
  const breathe = makeBreather(setImmediate);
  const enqueue = makeQueue();
  const horizons = spec.horizons.length;

  /** Has the shared samples computed by all threads; returns the number of groups. */
  async function runJob(samples: number, groupSize: number, loss: Loss | null): Promise<number> {
    const groups = openJob(job, samples, groupSize, loss);
    labour();
    for (let done = Atomics.load(control, Word.done); done < groups; done = Atomics.load(control, Word.done)) {
      if (Atomics.wait(control, Word.done, done, NAP) === 'timed-out') await new Promise(setImmediate);
      if (death !== undefined) throw death;
    }
    return groups;
  }

  /** Copies `count` samples from `first` on to where all threads see them. */
  function share(from: Float32Array, to: Float32Array, width: number, first: number, count: number): void {
    to.set(from.subarray(first * width, (first + count) * width));
  }

  function shareParameters(parameters: Float32Array): void {
    closeJob(job);
    job.parameters.set(parameters);
    control[Word.parametersVersion]++;
  }

  return {
    spec,
    description: `wasm, ${threads} threads`,
    forward: (parameters, windows, count, answers) =>
      enqueue(async () => {
        shareParameters(parameters);
        const size = groupSizeOf(count);
        for (let first = 0; first < count; first += GROUPS * size) {
          const samples = Math.min(GROUPS * size, count - first);
          await breathe();
          closeJob(job);
          share(windows, job.windows, spec.inputLength, first, samples);
          await runJob(samples, size, null);
          answers.set(job.answers.subarray(0, samples * horizons), first * horizons);
        }
      }),
    lossAndGradients: (parameters, windows, targets, count, loss, gradients) =>
      enqueue(async () => {
        shareParameters(parameters);
        kernels.setParameters(parameters);
        kernels.resetTotals();
        const size = groupSizeOf(count);
        let total = 0;
        for (let first = 0; first < count; first += GROUPS * size) {
          const samples = Math.min(GROUPS * size, count - first);
          await breathe();
          closeJob(job);
          share(windows, job.windows, spec.inputLength, first, samples);
          share(targets, job.targets, horizons, first, samples);
          const groups = await runJob(samples, size, loss);
          for (let group = 0; group < groups; group++) {
            total += job.losses[group];
            kernels.sums.set(job.sums.subarray(group * kernels.sums.length, (group + 1) * kernels.sums.length));
            kernels.addToTotals();
          }
        }
        const mean = 1 / (count * horizons);
        return kernels.finish(mean, gradients) ? total * mean : Number.NaN;
      }),
    async dispose() {
      for (const worker of workers) worker.removeAllListeners();
      await Promise.all(workers.map((worker) => worker.terminate()));
    },
  };
}
