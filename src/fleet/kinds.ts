// The stages whose jobs a worker does. Each is loaded when the first job of it comes; no other code can be named.

import type { JobKind } from '../jobs/index.js';

/** Kinds of jobs by their names on the queue. */
export const STAGE_KINDS: Readonly<Record<string, () => Promise<JobKind<unknown>>>> = {
  collect: async () => (await import('../collect/jobKind.js')).collectJobs,
  dataset: async () => (await import('../dataset/jobKind.js')).datasetJobs,
  evaluate: async () => (await import('../evaluate/jobKind.js')).evaluateJobs,
};
