// What the commands show: progress and notes on stderr (bars on a terminal, plain lines elsewhere), results on stdout.

import { MultiBar, type SingleBar } from 'cli-progress';
import { printableJson, printableLine, printableLines } from '../printable.js';
import type { NoteListener, ProgressEvent, ProgressListener } from '../progress.js';
import { formatCount, formatDuration, formatRate } from './format.js';
import { showPaths } from './paths.js';

/** Options that every command takes. */
export interface GlobalArguments {
  /** One JSON object on stdout in place of text for people. */
  json?: boolean;
  /** No progress and no notes on stderr. */
  quiet?: boolean;
}

/** Where a command sends its progress and notes. */
export interface Terminal {
  progress: ProgressListener;
  note: NoteListener;
  /** Says that the work is being stopped, also with `--quiet`; the bars are gone when it is closed. */
  interrupt: NoteListener;
  /** Ends all bars; call it before printing the result, also after an error. */
  close(): void;
}

/** Least time between two plain lines of the same task, so that logs stay readable. */
const PLAIN_INTERVAL_MS = 10_000;

/** Rate and time left of a task, from the first event on; work that was there before does not count. */
class Pace {
  readonly #started = performance.now();
  #baseline: number | undefined;

  describe(event: ProgressEvent): string {
    this.#baseline ??= Math.max(event.resumed ?? 0, event.done === event.total ? 0 : event.done);
    const seconds = (performance.now() - this.#started) / 1000;
    const rate = (event.done - this.#baseline) / seconds;
    if (event.done >= event.total) return `in ${formatDuration(seconds)}`;
    if (!(rate > 0) || seconds < 0.5) return 'time left ?';
    return `${formatRate(rate)} ${event.unit}/s, ${formatDuration((event.total - event.done) / rate)} left`;
  }
}

function counts(event: ProgressEvent): string {
  const detail = event.detail ? `  ${event.detail}` : '';
  return `${formatCount(event.done)}/${formatCount(event.total)} ${event.unit}${detail}`;
}

function openBars(): Terminal {
  const bars = new MultiBar(
    {
      stream: process.stderr,
      format: '{label} {bar} {counts}',
      barsize: 24,
      barCompleteChar: '█',
      barIncompleteChar: '░',
      hideCursor: true,
      linewrap: false,
      emptyOnZero: true,
      gracefulExit: false,
    },
    undefined,
  );
  const tasks = new Map<string, { bar: SingleBar; pace: Pace; workers: SingleBar[] }>();
  let interrupted = false;
  const note = (text: string) => {
    bars.log(`${text}\n`);
    if (tasks.size === 0) process.stderr.write(`${text}\n`);
  };
  return {
    progress(event) {
      let task = tasks.get(event.task);
      if (!task) {
        const bar = bars.create(event.total, 0, { label: event.task.padEnd(18), counts: '' });
        task = { bar, pace: new Pace(), workers: [] };
        tasks.set(event.task, task);
      }
      task.bar.setTotal(event.total);
      task.bar.update(event.done, { counts: `${counts(event)}  ${task.pace.describe(event)}` });
      for (const { worker, job, fraction, detail } of event.workers ?? []) {
        task.workers[worker] ??= bars.create(1, 0, { label: '', counts: '' });
        task.workers[worker].update(fraction, {
          label: `  worker ${worker + 1}`.padEnd(18),
          counts: job === null ? 'idle' : `${job}  ${detail}`,
        });
      }
      if (event.done >= event.total) {
        for (const bar of task.workers) if (bar) bars.remove(bar);
        task.workers = [];
      }
    },
    note,
    interrupt(text) {
      interrupted = true;
      note(text);
    },
    close() {
      // A bar that went no further would stand above what ended the command.
      if (interrupted)
        for (const { bar, workers } of tasks.values()) for (const one of [bar, ...workers]) if (one) bars.remove(one);
      bars.stop();
    },
  };
}

const writeLine = (text: string) => void process.stderr.write(`${text}\n`);

function openLines(): Terminal {
  const tasks = new Map<string, { pace: Pace; printed: number }>();
  return {
    progress(event) {
      const known = tasks.get(event.task);
      const task = known ?? { pace: new Pace(), printed: 0 };
      tasks.set(event.task, task);
      const now = performance.now();
      const pace = task.pace.describe(event);
      const ended = event.done >= event.total;
      if (task.printed === Number.POSITIVE_INFINITY || (known && !ended && now - task.printed < PLAIN_INTERVAL_MS))
        return;
      task.printed = ended ? Number.POSITIVE_INFINITY : now;
      process.stderr.write(`${event.task}: ${counts(event)}  ${pace}\n`);
    },
    note: writeLine,
    interrupt: writeLine,
    close: () => {},
  };
}

/** Opens the way to the user that fits the arguments and what stderr is. */
export function openTerminal({ quiet }: GlobalArguments): Terminal {
  if (quiet) return { progress: () => {}, note: () => {}, interrupt: writeLine, close: () => {} };
  const { progress, note, ...terminal } = process.stderr.isTTY ? openBars() : openLines();
  return {
    progress: (event) => progress(printableEvent(event)),
    note: (text) => note(printableLine(showPaths(text))),
    ...terminal,
  };
}

/** An event whose names and details may come from files. */
function printableEvent(event: ProgressEvent): ProgressEvent {
  const { task, detail, workers } = event;
  return {
    ...event,
    task: printableLine(task),
    detail: detail && printableLine(detail),
    workers: workers?.map((worker) => ({
      ...worker,
      job: worker.job && printableLine(worker.job),
      detail: printableLine(worker.detail),
    })),
  };
}

let printedJson = false;

/** Whether stdout has the one object of `--json` of this command already. */
export const hasPrintedJson = (): boolean => printedJson;

/** Tells that a new command begins. */
export function beginCommand(): void {
  printedJson = false;
}

/** Prints a command's result on stdout: one JSON object with `--json`, text for people otherwise. */
export function printResult({ json }: GlobalArguments, result: object, human: () => string): void {
  const text = json ? printableJson(JSON.stringify(result, null, 2)) : printableLines(showPaths(human()));
  process.stdout.write(`${text}\n`);
  printedJson ||= json === true;
}

/**
 * A signal that the first Ctrl-C (or SIGTERM) aborts, so that work can end in good order. A second one ends the process
 * at once, with the status that shells expect of an interrupted command.
 */
export function interruptSignal(terminal: Terminal): AbortSignal {
  const controller = new AbortController();
  const onSignal = (signal: NodeJS.Signals) => {
    if (controller.signal.aborted) {
      // Bars hide the cursor.
      terminal.close();
      process.exit(signal === 'SIGINT' ? 130 : 143);
    }
    terminal.interrupt('stopping after the work in hand; press Ctrl-C again to stop at once');
    controller.abort();
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return controller.signal;
}
