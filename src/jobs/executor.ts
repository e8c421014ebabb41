// The interface of executors, which run a list of jobs: on processes of this machine (processExecutor.ts) or, for example,
// on the workers of a queue.

import type { NoteListener, ProgressListener } from '../progress.js';
import type { JobKind } from './kind.js';
import type { Job } from './protocol.js';

/** The outcome of a job. */
export type JobOutcome<Spec = unknown, Result = unknown> = { job: Job<Spec> } & (
  | { status: 'done'; result: Result }
  /** Every attempt failed or ended its worker. */
  | { status: 'failed'; error: Error }
  /** The list was aborted before the job ended. */
  | { status: 'canceled' }
);

/** A list of jobs to run. */
export interface JobList<Spec> {
  kind: JobKind<Spec>;
  /** Directory of the plan and of the results. */
  directory: string;
  /** The unfinished jobs, started in this order; ids must be unique. */
  jobs: readonly Job<Spec>[];
  /** Units finished earlier, included in the progress. Default 0. */
  unitsBefore?: number;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  /** When aborted, running jobs stop cleanly (or are left to other workers), and the rest is canceled. */
  signal?: AbortSignal;
}

/** Runs lists of jobs. */
export interface JobExecutor {
  /** Whether the jobs run on this machine, which then must have their inputs and receives their results. */
  readonly local: boolean;
  /** What the user can do about failed jobs, e.g. `run the same command again`. */
  readonly remedy: string;
  /**
   * Runs all jobs of a list.
   *
   * @returns one outcome per job, in order; results are null unless the executor is local.
   * @throws WnnError for what the user has to fix, after the other running jobs have stopped cleanly.
   */
  execute<Spec, Result>(list: JobList<Spec>): Promise<JobOutcome<Spec, Result | null>[]>;
}
