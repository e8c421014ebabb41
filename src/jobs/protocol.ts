// What passes between a worker process and the process that started it.

import type { ErrorRecord } from './errorRecord.js';

/** One piece of work that depends on no other. */
export interface Job<Spec = unknown> {
  /** Stable: made from the job's inputs, unique within a list of jobs. */
  id: string;
  /** Plain data that says all of the work. */
  spec: Spec;
}

/** How far a worker is with its job. */
export interface JobReport {
  /** Share of the job that is done, 0 to 1. */
  fraction: number;
  /** Metrics to show, e.g. `epoch 3/12  loss 0.41`. */
  detail: string;
  /** Units of work a second, e.g. images; added up over all workers. */
  rate?: number;
}

export type ToWorker = { type: 'run'; job: Job } | { type: 'abort' } | { type: 'end' };

export type FromWorker =
  | { type: 'ready' }
  | { type: 'report'; report: JobReport }
  | { type: 'note'; note: string }
  | { type: 'done'; result: unknown }
  | { type: 'aborted' }
  | { type: 'failed'; error: ErrorRecord };
