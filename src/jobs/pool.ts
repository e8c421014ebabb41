// The pool's side: hands a list of jobs to worker processes, one job each at a time, and survives what happens to them.
// It knows nothing of what the jobs do.

import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { OutOfMemoryError, WnnError } from '../errors.js';
import type { NoteListener, ProgressListener, WorkerProgress } from '../progress.js';
import { decodeError, type FromWorker, type Job, type JobReport, type ToWorker } from './protocol.js';

/** How often a job is tried before it counts as failed. */
const ATTEMPTS = 2;
/** Workers in a row that may die before they are ready. */
const START_ATTEMPTS = 3;
/** Characters of a worker's output that are kept, for when it dies. */
const OUTPUT_TAIL = 2000;
/** Milliseconds to wait for the output of a worker that has ended. */
const OUTPUT_DELAY = 20;
/** Milliseconds that a worker has to end by itself when it has nothing to do. */
const GRACE = 2000;

/** What became of a job. */
export type JobOutcome<Spec = unknown, Result = unknown> = { job: Job<Spec> } & (
  | { status: 'done'; result: Result }
  /** It failed twice, or its worker died twice. */
  | { status: 'failed'; error: Error }
  /** The list was aborted before it ended. */
  | { status: 'canceled' }
);

/** Options of {@link runJobs}. */
export interface RunJobsOptions<Spec, Result> {
  /** Compiled module of the worker; it calls `serveJobs`. */
  entry: URL;
  /** The work. Started in this order; ids must be unique. */
  jobs: readonly Job<Spec>[];
  /** Number of processes; no more are started than there are jobs. At least 1. */
  workers: number;
  /** What is being done, for the progress display: `collect`. */
  label: string;
  /** Size of a job in `unit`s, e.g. its epochs. Default: 1. */
  unitsOf?(job: Job<Spec>): number;
  /** What a job's size is counted in, in the plural. Default `jobs`. */
  unit?: string;
  /** What {@link JobReport.rate} counts, e.g. `images`. Default: rates are not shown. */
  rateUnit?: string;
  /** Units that were done before this call, shown as done. Default 0. */
  unitsBefore?: number;
  /** Environment variables of the workers, beside those of this process. */
  env?: Record<string, string>;
  /** Called when a job has ended, in the order in which they end. */
  onOutcome?(outcome: JobOutcome<Spec, Result>): void;
  onProgress?: ProgressListener;
  onNote?: NoteListener;
  /** When aborted, each worker ends its job in good order (or drops it), and the rest is canceled. */
  signal?: AbortSignal;
}

interface Worker<Spec> {
  number: number;
  process: ChildProcess;
  ready: boolean;
  job: Job<Spec> | null;
  report: JobReport;
  /** End of what it wrote to stdout and stderr. */
  output: string;
}

/**
 * Does all jobs on worker processes. A job that throws is told of and tried once more, on whatever worker is free; a
 * worker that dies (kill, crash, out of memory) is replaced and its job tried once more. A {@link WnnError} is something
 * that the user has to put right, and would come again: it ends the list.
 *
 * @returns one outcome a job, in the order of `jobs`.
 * @throws {@link WnnError} of a job, after the other workers have ended their jobs in good order; Error when workers
 *   cannot be started.
 */
export async function runJobs<Spec, Result>(
  options: RunJobsOptions<Spec, Result>,
): Promise<JobOutcome<Spec, Result>[]> {
  const pool = new Pool<Spec, Result>(options);
  return pool.run();
}

class Pool<Spec, Result> {
  readonly #options: RunJobsOptions<Spec, Result>;
  readonly #waiting: Job<Spec>[];
  readonly #outcomes = new Map<string, JobOutcome<Spec, Result>>();
  readonly #failures = new Map<string, number>();
  readonly #workers = new Set<Worker<Spec>>();
  readonly #totalUnits: number;
  #doneUnits: number;
  #deadStarts = 0;
  #fatal: Error | undefined;
  #stopping = false;
  #resolve: () => void = () => {};

  constructor(options: RunJobsOptions<Spec, Result>) {
    this.#options = options;
    this.#waiting = [...options.jobs];
    if (new Set(options.jobs.map(({ id }) => id)).size !== options.jobs.length) throw new Error('two jobs of one id');
    this.#doneUnits = options.unitsBefore ?? 0;
    this.#totalUnits = options.jobs.reduce((sum, job) => sum + this.#unitsOf(job), this.#doneUnits);
  }

  async run(): Promise<JobOutcome<Spec, Result>[]> {
    const { jobs, workers, signal } = this.#options;
    const onAbort = () => this.#stop();
    signal?.addEventListener('abort', onAbort);
    try {
      if (jobs.length > 0 && !signal?.aborted) {
        await new Promise<void>((resolve) => {
          this.#resolve = resolve;
          this.#showProgress();
          for (let number = 0; number < Math.min(Math.max(1, workers), jobs.length); number++) this.#start(number);
        });
      }
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
    if (this.#fatal) throw this.#fatal;
    return jobs.map((job) => this.#outcomes.get(job.id) ?? { job, status: 'canceled' });
  }

  #unitsOf(job: Job<Spec>): number {
    return this.#options.unitsOf?.(job) ?? 1;
  }

  #start(number: number): void {
    const child = fork(fileURLToPath(this.#options.entry), [], {
      serialization: 'advanced',
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      execArgv: [],
      env: { ...process.env, ...this.#options.env },
    });
    const worker: Worker<Spec> = {
      number,
      process: child,
      ready: false,
      job: null,
      report: { fraction: 0, detail: '' },
      output: '',
    };
    this.#workers.add(worker);
    const keepTail = (chunk: Buffer) => {
      worker.output = (worker.output + chunk.toString()).slice(-OUTPUT_TAIL);
    };
    child.stdout?.on('data', keepTail);
    child.stderr?.on('data', keepTail);
    child.on('message', (message: FromWorker) => this.#receive(worker, message));
    child.on('error', (error) => {
      if (child.pid === undefined) this.#onExit(worker, error.message);
    });
    child.on('exit', (code, signal) => {
      // Its last words may still be on their way.
      setTimeout(() => this.#onExit(worker, signal ?? `exit status ${code}`), OUTPUT_DELAY);
    });
  }

  #receive(worker: Worker<Spec>, message: FromWorker): void {
    switch (message.type) {
      case 'ready':
        worker.ready = true;
        this.#deadStarts = 0;
        this.#assign(worker);
        return;
      case 'report':
        worker.report = message.report;
        this.#showProgress();
        return;
      case 'note':
        this.#options.onNote?.(message.note);
        return;
      case 'done':
        this.#end({ job: worker.job as Job<Spec>, status: 'done', result: message.result as Result });
        this.#assign(worker);
        return;
      case 'aborted':
        this.#end({ job: worker.job as Job<Spec>, status: 'canceled' });
        this.#assign(worker);
        return;
      case 'failed': {
        const job = worker.job as Job<Spec>;
        const error = decodeError(message.error);
        if (error instanceof OutOfMemoryError) {
          // Another attempt would end alike, and this process has no engine any more.
          this.#options.onNote?.(`${job.id} failed: ${error.message}; given up`);
          this.#end({ job, status: 'failed', error });
          worker.job = null;
          worker.process.kill('SIGKILL');
          return;
        }
        if (error instanceof WnnError) {
          this.#fatal ??= error;
          this.#end({ job, status: 'failed', error });
          this.#stop();
        } else {
          this.#retryOrFail(job, error);
        }
        this.#assign(worker);
        return;
      }
      default:
        message satisfies never;
    }
  }

  /** Gives a free worker the next job, or lets it go. */
  #assign(worker: Worker<Spec>): void {
    worker.report = { fraction: 0, detail: '' };
    worker.job = this.#stopping ? null : (this.#waiting.shift() ?? null);
    if (worker.job !== null) {
      worker.process.send({ type: 'run', job: worker.job } satisfies ToWorker);
    } else if (worker.process.connected) {
      // It exits when the channel closes; if not, it is made to.
      worker.process.disconnect();
      setTimeout(() => worker.process.kill('SIGKILL'), GRACE).unref();
    }
    this.#showProgress();
  }

  #retryOrFail(job: Job<Spec>, error: Error): void {
    const failures = (this.#failures.get(job.id) ?? 0) + 1;
    this.#failures.set(job.id, failures);
    const what = `${job.id} failed: ${error.message}`;
    if (failures < ATTEMPTS && !this.#stopping) {
      this.#options.onNote?.(`${what}; trying once more`);
      this.#waiting.unshift(job);
    } else {
      this.#options.onNote?.(`${what}; given up`);
      this.#end({ job, status: 'failed', error });
    }
  }

  #end(outcome: JobOutcome<Spec, Result>): void {
    this.#outcomes.set(outcome.job.id, outcome);
    if (outcome.status !== 'canceled') this.#doneUnits += this.#unitsOf(outcome.job);
    this.#options.onOutcome?.(outcome);
  }

  #onExit(worker: Worker<Spec>, how: string): void {
    this.#workers.delete(worker);
    const { job, output } = worker;
    if (job !== null) {
      const tail = output.trim().split('\n').slice(-3).join(' | ');
      this.#retryOrFail(job, new Error(`its worker process ended (${how})${tail && `: ${tail}`}`));
    } else if (!worker.ready && !this.#stopping) {
      this.#deadStarts++;
      if (this.#deadStarts >= START_ATTEMPTS) {
        this.#fatal ??= new Error(`workers cannot be started (${how}): ${output.trim()}`);
        this.#stop();
      }
    }
    const starting = [...this.#workers].filter(({ ready }) => !ready).length;
    if (!this.#stopping && this.#waiting.length > starting) this.#start(worker.number);
    else if (this.#workers.size === 0) this.#resolve();
  }

  #stop(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    for (const { process, job, ready } of this.#workers) {
      if (!process.connected) continue;
      if (job !== null) process.send({ type: 'abort' } satisfies ToWorker);
      else if (!ready) process.kill('SIGKILL');
    }
  }

  #showProgress(): void {
    const { onProgress, label, unit = 'jobs', rateUnit, unitsBefore } = this.#options;
    if (!onProgress) return;
    let done = this.#doneUnits;
    let rate = 0;
    const workers: WorkerProgress[] = [];
    for (const { number, job, report } of this.#workers) {
      if (job !== null) done += report.fraction * this.#unitsOf(job);
      rate += report.rate ?? 0;
      workers.push({ worker: number, job: job?.id ?? null, fraction: report.fraction, detail: report.detail });
    }
    workers.sort((a, b) => a.worker - b.worker);
    onProgress({
      task: label,
      done: Math.min(done, this.#totalUnits),
      total: this.#totalUnits,
      unit,
      resumed: unitsBefore,
      detail: rateUnit && rate > 0 ? `${Math.round(rate).toLocaleString('en-GB')} ${rateUnit}/s` : undefined,
      workers,
    });
  }
}
