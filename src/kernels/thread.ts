// The loop of a kernel thread: waits for a job, computes groups of it, and waits again.

import type { Network } from '../network/network.js';
import type { NowcasterSpec } from '../network/spec.js';
import { makeGroupRunner, type SharedJob, Word } from './job.js';
import type { FusedKernels } from './kernels.js';

/** The start data of a thread. */
export interface ThreadStart {
  module: WebAssembly.Module;
  spec: NowcasterSpec;
  network: Network;
  job: SharedJob;
}

/**
 * Computes groups until the thread is terminated. Blocks the thread while waiting, so it must not run on a page's main
 * thread.
 *
 * @param onReady called once, when the thread will notice every job that is opened afterwards.
 * @param onJobEnded called when this thread finished the last group of a job.
 */
export async function runGroups(
  kernels: FusedKernels,
  { module, spec, network, job }: ThreadStart,
  onReady: () => void,
  onJobEnded?: () => void,
): Promise<never> {
  const takeGroups = makeGroupRunner(await kernels.open(module, spec, network), job, spec);
  let heard = Atomics.load(job.control, Word.bell);
  onReady();
  for (;;) {
    if (takeGroups()) onJobEnded?.();
    Atomics.wait(job.control, Word.bell, heard);
    heard = Atomics.load(job.control, Word.bell);
  }
}
