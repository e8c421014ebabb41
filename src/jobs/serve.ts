// The worker's side of a process: does one job at a time. What the job is, its module says.

import type { NoteListener } from '../progress.js';
import { encodeError } from './errorRecord.js';
import type { FromWorker, JobReport, ToWorker } from './protocol.js';

/** Least milliseconds between two reports of a job. */
const REPORT_INTERVAL = 200;

/** What a job may use besides its spec. */
export interface JobContext {
  id: string;
  /** Tells how far the job is. Cheap: reports in quick succession are left out. */
  report(report: JobReport): void;
  /** For what a user should read once. */
  note: NoteListener;
  /** Aborted when the job should end soon, in good order; it then rejects with `signal.reason`. */
  signal: AbortSignal;
}

/**
 * Makes this process a worker: a worker's module calls it once, at its top level. The process ends when the one that
 * started it lets go of it, or is gone.
 *
 * @param work does one job; what it returns goes back (plain data, typed arrays allowed). A thrown WnnError ends the whole
 *   list, any other error is tried once more.
 */
export function serveProcess<Spec, Result>(work: (spec: Spec, context: JobContext) => Promise<Result>): void {
  if (process.send === undefined) throw new Error('a worker module is started by an executor, not by hand');
  const send = (message: FromWorker) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  };
  const abort = new AbortController();
  let terminated = false;
  // Ctrl-C reaches all processes of the terminal; its parent decides what it means.
  process.on('SIGINT', () => {});
  process.on('SIGTERM', () => {
    terminated = true;
    abort.abort();
  });
  process.on('disconnect', () => process.exit(1));

  process.on('message', async (message: ToWorker) => {
    switch (message.type) {
      case 'abort':
        abort.abort();
        return;
      case 'end':
        process.exit();
        break;
      case 'run': {
        const { id, spec } = message.job;
        let reported = Number.NEGATIVE_INFINITY;
        const report = (report: JobReport) => {
          const now = performance.now();
          if (now - reported < REPORT_INTERVAL) return;
          reported = now;
          send({ type: 'report', report });
        };
        try {
          const note = (note: string) => send({ type: 'note', note });
          const result = await work(spec as Spec, { id, report, note, signal: abort.signal });
          send({ type: 'done', result });
        } catch (error) {
          const aborted = abort.signal.aborted && error === abort.signal.reason;
          // Told to go by someone else than its parent: it goes, and its parent gives the job to another.
          if (aborted && terminated) process.exit(143);
          send(aborted ? { type: 'aborted' } : { type: 'failed', error: encodeError(error) });
        }
        return;
      }
      default:
        message satisfies never;
    }
  });
  send({ type: 'ready' });
}
