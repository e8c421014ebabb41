// What a pool and its workers say to each other, over the channel between the processes. Types and the crossing of
// errors only.

import * as errors from '../errors.js';

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
  /** Figures to show, e.g. `epoch 3/12  loss 0.41`. */
  detail: string;
  /** Units of work a second, e.g. images; added up over all workers. */
  rate?: number;
}

export type ToWorker = { type: 'run'; job: Job } | { type: 'abort' };

export type FromWorker =
  | { type: 'ready' }
  | { type: 'report'; id: string; report: JobReport }
  | { type: 'note'; note: string }
  | { type: 'done'; id: string; result: unknown }
  | { type: 'aborted'; id: string }
  | { type: 'failed'; id: string; error: ErrorRecord };

/** An error as it crosses from one process to another. */
export interface ErrorRecord {
  name: string;
  message: string;
  stack?: string;
  /** Of a WnnError. */
  parts?: { what: string; where: string; remedy: string };
}

export function encodeError(error: unknown): ErrorRecord {
  if (!(error instanceof Error)) return { name: 'Error', message: String(error) };
  const { name, message, stack } = error;
  const parts =
    error instanceof errors.WnnError ? { what: error.what, where: error.where, remedy: error.remedy } : undefined;
  return { name, message, stack, parts };
}

export function decodeError({ name, message, stack, parts }: ErrorRecord): Error {
  if (parts !== undefined) {
    const known = (errors as unknown as Record<string, typeof errors.WnnError | undefined>)[name];
    return new (known ?? errors.WnnError)(parts);
  }
  const error = new Error(message);
  error.name = name;
  if (stack !== undefined) error.stack = stack;
  return error;
}
