// How long work tells what it is doing. Stages call a listener; only the command line knows how to draw it.

/** One line of a worker in a pool: what it is doing now. */
export interface WorkerProgress {
  /** Number of the worker, from 0. */
  worker: number;
  /** What it works on, e.g. the id of a run; `null` when it waits. */
  job: string | null;
  /** Share of that job that is done, 0 to 1. */
  fraction: number;
  /** Further metrics to show, e.g. `epoch 3/12`, `loss 0.41`, `1,204 images/s`. */
  detail: string;
}

/** A report of a stage about its own advance. */
export interface ProgressEvent {
  /** What is being done: `collect`, `train conv`, ... */
  task: string;
  /** Units done so far, counted from 0 to `total`. Fractions are allowed. */
  done: number;
  total: number;
  /** What a unit is, in the plural: `epochs`, `samples`. */
  unit: string;
  /** Units that were there before this command started, so that rate and time left count only new work. Default 0. */
  resumed?: number;
  /** Text to show after the bar. */
  detail?: string;
  /** One entry a worker, when there is a pool. */
  workers?: WorkerProgress[];
}

/** Receives {@link ProgressEvent}s; must not throw. */
export type ProgressListener = (event: ProgressEvent) => void;

/** Receives notes that a user should read once: what was skipped, retried or left out, and why. */
export type NoteListener = (note: string) => void;
