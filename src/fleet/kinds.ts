// The job kinds that a worker accepts. Each is loaded with its first job; a queue cannot name any other code.

import type { JobKind } from '../jobs/index.js';

/** Job kinds by their names on the queue. */
export const STAGE_KINDS: Readonly<Record<string, () => Promise<JobKind<unknown>>>> = {
  collect: async () => (await import('../collect/jobKind.js')).collectJobs,
  dataset: async () => (await import('../dataset/jobKind.js')).datasetJobs,
  evaluate: async () => (await import('../evaluate/jobKind.js')).evaluateJobs,
};
