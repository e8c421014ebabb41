// The worker side of a process: runs one job at a time.

import type { NoteListener } from '../progress.js';
import { encodeError } from './errorRecord.js';
import type { FromWorker, JobReport, ToWorker } from './protocol.js';

/** Minimum milliseconds between two progress reports. */
const REPORT_INTERVAL = 200;

/** The context of a running job. */
export interface JobContext {
  id: string;
  /** Reports progress. Cheap: reports in quick succession are dropped. */
  report(report: JobReport): void;
  /** Shows a note to the user. */
  note: NoteListener;
  /** Aborted when the job should stop cleanly; it then rejects with `signal.reason`. */
  signal: AbortSignal;
}

/**
 * Makes this process a worker. A worker's module calls it once, at the top level. The process exits when its parent ends
 * it or is gone.
 *
 * @param work runs one job and returns its result (plain data, typed arrays allowed). A thrown WnnError ends the whole
 *   list; any other error is retried once.
 */
export function serveProcess<Spec, Result>(work: (spec: Spec, context: JobContext) => Promise<Result>): void {
  if (process.send === undefined) throw new Error('a worker module is started by an executor, not by hand');
  const send = (message: FromWorker) => {
    if (process.connected) process.send?.(message, undefined, undefined, () => {});
  };
  const abort = new AbortController();
  let terminated = false;
  // Ctrl-C reaches all processes of the terminal; the parent handles it.
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
          // Terminated from outside: exits, and the parent gives the job to another process.
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
