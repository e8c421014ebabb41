// Runs the fused kernels on several threads: distributes batches as jobs and combines the results. Groups are summed in
// order, so results are bit-identical for any number of threads. nodeThreads.ts and webThreads.ts start the threads.

import type { NetworkCompute } from '../network/compute.js';
import type { Network } from '../network/network.js';
import type { NowcasterSpec } from '../network/spec.js';
import { quantity } from '../quantity.js';
import { GROUPS, groupSizeOf, outputsGroupSizeOf } from './groups.js';
import { allocateJob, closeJob, historyOf, JOB_SAMPLES, makeGroupRunner, openJob, Word, type Work } from './job.js';
import { type FusedKernels, fusesForecast } from './kernels.js';
import type { ThreadStart } from './thread.js';
import { makeQueue } from './turns.js';

/** The threads of a pool. */
export interface Threads {
  /** Number of computing threads. */
  readonly count: number;
  /** Resolves when all groups of the open job are finished; pending events run meanwhile. Rejects when a thread has died. */
  finishJob(groups: number): Promise<void>;
  /** Ends the threads. */
  end(): Promise<void>;
}

/**
 * Starts threads.
 *
 * @param takeGroups takes groups of the open job on the calling thread, until none is left.
 */
export type ThreadStarter = (start: ThreadStart, takeGroups: () => void) => Promise<Threads>;

/** Opens the kernels on threads. @throws the errors of starting them. */
export async function createPoolCompute(
  fused: FusedKernels,
  spec: NowcasterSpec,
  network: Network,
  startThreads: ThreadStarter,
): Promise<NetworkCompute> {
  const module = await fused.compile();
  const kernels = await fused.open(module, spec, network);
  const job = allocateJob(spec, network, kernels.sums.length);
  const history = historyOf(job, spec);
  const threads = await startThreads({ module, spec, network, job }, makeGroupRunner(kernels, job, spec));
  const enqueue = makeQueue();
  const horizons = spec.horizons.length;

  /** Computes the shared samples on all threads; returns the number of groups. */
  async function runJob(samples: number, groupSize: number, work: Work): Promise<number> {
    const groups = openJob(job, samples, groupSize, work);
    await threads.finishJob(groups);
    return groups;
  }

  /** Copies `count` samples from `first` on to shared memory. */
  function share(from: Float32Array, to: Float32Array, width: number, first: number, count: number): void {
    to.set(from.subarray(first * width, (first + count) * width));
  }

  function shareParameters(parameters: Float32Array): void {
    closeJob(job);
    job.parameters.set(parameters);
    job.control[Word.parametersVersion]++;
  }

  const forecast: NetworkCompute['forecast'] = (parameters, raw, out, output) =>
    enqueue(async () => {
      shareParameters(parameters);
      const size = outputsGroupSizeOf(out.length);
      for (let first = 0; first < out.length; first += JOB_SAMPLES) {
        const samples = Math.min(JOB_SAMPLES, out.length - first);
        closeJob(job);
        history.forEach((values, epoch) => {
          share(raw[epoch], values, 1, first, samples);
        });
        await runJob(samples, size, output);
        out.set(job.outputs.subarray(0, samples), first);
      }
    });

  return {
    spec,
    description: `wasm, ${quantity(threads.count, 'thread')}`,
    forward: (parameters, inputs, count, outputs) =>
      enqueue(async () => {
        shareParameters(parameters);
        const size = outputsGroupSizeOf(count);
        for (let first = 0; first < count; first += JOB_SAMPLES) {
          const samples = Math.min(JOB_SAMPLES, count - first);
          closeJob(job);
          share(inputs, job.inputs, network.inputWidth, first, samples);
          await runJob(samples, size, 'forward');
          outputs.set(job.outputs.subarray(0, samples * horizons), first * horizons);
        }
      }),
    ...(fusesForecast(spec, network) && { forecast }),
    lossAndGradients: (parameters, inputs, targets, count, loss, gradients) =>
      enqueue(async () => {
        shareParameters(parameters);
        kernels.setParameters(parameters);
        kernels.resetTotals();
        const size = groupSizeOf(count);
        let total = 0;
        for (let first = 0; first < count; first += GROUPS * size) {
          const samples = Math.min(GROUPS * size, count - first);
          closeJob(job);
          share(inputs, job.inputs, network.inputWidth, first, samples);
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
    dispose: () => threads.end(),
  };
}
