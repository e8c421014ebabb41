// What a thread of the pool does: sleeps until a job is opened, takes groups of it, sleeps again. Not: how a thread is
// started and spoken with (nodeThreads.ts, webThreads.ts), nor the adding of groups (pool.ts).

import type { WnnSpec } from '../nowcaster/spec.js';
import { openInstance } from './instance.js';
import { makeLabourer, type SharedJob, Word } from './job.js';

/** What the pool hands to a thread. */
export interface ThreadStart {
  module: WebAssembly.Module;
  spec: WnnSpec;
  job: SharedJob;
}

/**
 * Serves jobs until the thread is ended from outside. Blocks the thread while it sleeps, so it must not be a page's own.
 *
 * @param onReady called once, when every job that is opened from then on will be heard.
 * @param onJobEnded called when the last group of a job was this thread's.
 */
export async function serveJobs(
  { module, spec, job }: ThreadStart,
  onReady: () => void,
  onJobEnded?: () => void,
): Promise<never> {
  const labour = makeLabourer(await openInstance(module, spec), job);
  let heard = Atomics.load(job.control, Word.bell);
  onReady();
  for (;;) {
    if (labour()) onJobEnded?.();
    Atomics.wait(job.control, Word.bell, heard);
    heard = Atomics.load(job.control, Word.bell);
  }
}
