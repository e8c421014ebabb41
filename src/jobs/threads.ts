// Resource limits for engines that share a machine.

import { availableParallelism } from 'node:os';

/** Environment of worker processes. By default TensorFlow uses all cores in each, and all memory of a GPU. */
export function limitThreads(workers: number): Record<string, string> {
  const threads = String(Math.max(1, Math.floor(availableParallelism() / workers)));
  const { TF_NUM_INTRAOP_THREADS = threads, TF_FORCE_GPU_ALLOW_GROWTH = 'true' } = process.env;
  return { TF_NUM_INTRAOP_THREADS, TF_FORCE_GPU_ALLOW_GROWTH };
}
