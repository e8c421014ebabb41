// The messages between a worker process and its parent.

import type { ErrorRecord } from './errorRecord.js';

/** An independent unit of work. */
export interface Job<Spec = unknown> {
  /** Stable id derived from the job's inputs, unique within a list of jobs. */
  id: string;
  /** Full description of the work as plain data. */
  spec: Spec;
}

/** Progress of a job. */
export interface JobReport {
  /** Fraction of the job that is done, 0 to 1. */
  fraction: number;
  /** Metrics to show, e.g. `epoch 3/12  loss 0.41`. */
  detail: string;
  /** Units of work per second, e.g. images; summed over all workers. */
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
