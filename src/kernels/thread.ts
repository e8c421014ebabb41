// What a kernel thread does: waits until a job is opened, computes groups of it, waits again.

import type { Network } from '../network/network.js';
import type { NowcasterSpec } from '../network/spec.js';
import { makeGroupRunner, type SharedJob, Word } from './job.js';
import type { FusedKernels } from './kernels.js';

/** What a thread is started with. */
export interface ThreadStart {
  module: WebAssembly.Module;
  spec: NowcasterSpec;
  network: Network;
  job: SharedJob;
}

/**
 * Computes groups until the thread is ended from outside. Blocks the thread while it sleeps, so it must not be a page's own.
 *
 * @param onReady called once, when every job that is opened from then on will be heard.
 * @param onJobEnded called when the last group of a job was this thread's.
 */
export async function runGroups(
  kernels: FusedKernels,
  { module, spec, network, job }: ThreadStart,
  onReady: () => void,
  onJobEnded?: () => void,
): Promise<never> {
  const takeGroups = makeGroupRunner(await kernels.open(module, spec, network), job);
  let heard = Atomics.load(job.control, Word.bell);
  onReady();
  for (;;) {
    if (takeGroups()) onJobEnded?.();
    Atomics.wait(job.control, Word.bell, heard);
    heard = Atomics.load(job.control, Word.bell);
  }
}
