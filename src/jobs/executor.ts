// Who does a list of jobs: processes of this machine (processExecutor.ts), or whoever a stage's caller hands in, e.g. the
// workers of a queue.

import type { NoteListener, ProgressListener } from '../progress.js';
import type { JobKind } from './kind.js';
import type { Job } from './protocol.js';

/** What became of a job. */
export type JobOutcome<Spec = unknown, Result = unknown> = { job: Job<Spec> } & (
  | { status: 'done'; result: Result }
  /** It was tried several times, and failed or took its worker with it each time. */
  | { status: 'failed'; error: Error }
  /** The list was aborted before it ended. */
  | { status: 'canceled' }
);

/** Jobs to be done. */
export interface JobList<Spec> {
  kind: JobKind<Spec>;
  /** Directory of the plan, where the results go. */
  directory: string;
  /** The jobs that are not done. Started in this order; ids must be unique. */
  jobs: readonly Job<Spec>[];
  /** Units that were done before, shown as done. Default 0. */
  unitsBefore?: number;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  /** When aborted, jobs in hand end in good order (or are left to others), and the rest is canceled. */
  signal?: AbortSignal;
}

/** Does lists of jobs. */
export interface JobExecutor {
  /** Whether the jobs are done by this machine, which then must have what they need, and which gets their results. */
  readonly local: boolean;
  /** What a user can do about jobs that failed, e.g. `run the same command again`. */
  readonly remedy: string;
  /**
   * Does all jobs of a list.
   *
   * @returns one outcome a job, in their order; results are null unless the executor is local.
   * @throws WnnError for what the user has to put right, after the other jobs in hand have ended in good order.
   */
  execute<Spec, Result>(list: JobList<Spec>): Promise<JobOutcome<Spec, Result | null>[]>;
}
