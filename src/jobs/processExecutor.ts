// Runs lists of jobs on processes of this machine, one job per process at a time, and survives their failures.

import { availableParallelism } from 'node:os';
import { OutOfMemoryError, UsageError, WnnError } from '../errors.js';
import { NUMBER, requireOptions } from '../optionTypes.js';
import type { WorkerProgress } from '../progress.js';
import type { JobExecutor, JobList, JobOutcome } from './executor.js';
import { JobProcess, ProcessEndedError } from './process.js';
import type { Job, JobReport } from './protocol.js';

/** Attempts per job. */
const ATTEMPTS = 2;
/** Consecutive processes that may die before they take a job. */
const START_ATTEMPTS = 3;

/** Options of {@link processExecutor}. */
export interface ProcessExecutorOptions {
  /** Number of processes, from 1; at most one per job is started. Default: one per core. */
  workers?: number;
}

/**
 * An executor that runs jobs on worker processes. A job that throws is reported and retried once; a process that dies
 * (kill, crash, out of memory) is replaced and its job retried once. A {@link WnnError} needs action by the user and would
 * recur, so it ends the list. `execute` throws an Error when processes cannot be started.
 *
 * @throws {@link UsageError} for an impossible number of workers.
 */
export function processExecutor(options: ProcessExecutorOptions = {}): JobExecutor {
  requireOptions('processExecutor', options, { workers: NUMBER });
  const { workers = availableParallelism() } = options;
  if (!(Number.isInteger(workers) && workers > 0))
    throw new UsageError({
      what: 'workers must be a whole number from 1',
      where: `${workers}`,
      remedy: 'give 1 or more',
    });
  return {
    local: true,
    remedy: 'run the same command again',
    execute: <Spec, Result>(list: JobList<Spec>) => new Execution<Spec, Result>(list, workers).run(),
  };
}

/** One process slot, which runs jobs until none is left. */
interface Slot {
  number: number;
  job: Job | null;
  report: JobReport;
}

const NOTHING_YET: JobReport = { fraction: 0, detail: '' };

class Execution<Spec, Result> {
  readonly #list: JobList<Spec>;
  readonly #env: NodeJS.ProcessEnv;
  readonly #waiting: Job<Spec>[];
  readonly #outcomes = new Map<string, JobOutcome<Spec, Result>>();
  readonly #failures = new Map<string, number>();
  readonly #slots: Slot[];
  readonly #stop = new AbortController();
  readonly #totalUnits: number;
  #doneUnits: number;
  #deadStarts = 0;
  #fatal: Error | undefined;

  constructor(list: JobList<Spec>, workers: number) {
    const { jobs, kind, unitsBefore = 0 } = list;
    if (new Set(jobs.map(({ id }) => id)).size !== jobs.length) throw new Error('two jobs of one id');
    const count = Math.min(workers, jobs.length);
    this.#list = list;
    this.#env = { ...process.env, ...kind.env?.(count) };
    this.#waiting = [...jobs];
    this.#slots = Array.from({ length: count }, (_, number) => ({ number, job: null, report: NOTHING_YET }));
    this.#doneUnits = unitsBefore;
    this.#totalUnits = jobs.reduce((sum, { spec }) => sum + kind.unitsOf(spec), unitsBefore);
  }

  async run(): Promise<JobOutcome<Spec, Result>[]> {
    const { jobs, signal } = this.#list;
    const onAbort = () => this.#stop.abort();
    if (signal?.aborted) onAbort();
    signal?.addEventListener('abort', onAbort);
    try {
      await Promise.all(this.#slots.map((slot) => this.#work(slot)));
    } finally {
      signal?.removeEventListener('abort', onAbort);
    }
    if (this.#fatal) throw this.#fatal;
    return jobs.map((job) => this.#outcomes.get(job.id) ?? { job, status: 'canceled' });
  }

  async #work(slot: Slot): Promise<void> {
    const { kind, onNote } = this.#list;
    const { signal } = this.#stop;
    const onReport = (report: JobReport) => {
      slot.report = report;
      this.#showProgress();
    };
    let worker: JobProcess | undefined;
    for (let job = this.#take(); job !== undefined; job = this.#take()) {
      if (!worker?.alive) worker = new JobProcess(kind.entry, this.#env);
      slot.job = job;
      this.#showProgress();
      try {
        const result = await worker.run<Result>(job, { onReport, onNote, signal });
        this.#deadStarts = 0;
        this.#end({ job, status: 'done', result });
      } catch (error) {
        if (signal.aborted && error === signal.reason) this.#end({ job, status: 'canceled' });
        else this.#fail(job, error as Error, worker);
      }
      slot.job = null;
      slot.report = NOTHING_YET;
      this.#showProgress();
    }
    await worker?.end();
    this.#slots.splice(this.#slots.indexOf(slot), 1);
    this.#showProgress();
  }

  #take(): Job<Spec> | undefined {
    return this.#stop.signal.aborted ? undefined : this.#waiting.shift();
  }

  #fail(job: Job<Spec>, error: Error, worker: JobProcess): void {
    if (error instanceof ProcessEndedError && !error.started) {
      this.#waiting.unshift(job);
      if (this.#stop.signal.aborted || ++this.#deadStarts < START_ATTEMPTS) return;
      this.#fatal ??= new Error(`workers cannot be started (${error.how}): ${error.output}`);
      this.#stop.abort();
      return;
    }
    this.#deadStarts = 0;
    const failures = (this.#failures.get(job.id) ?? 0) + 1;
    this.#failures.set(job.id, failures);
    const outcome = { job, status: 'failed', error } as const;
    const giveUp = () => {
      this.#list.onNote?.(`${job.id} failed: ${error.message}; giving up`);
      this.#end(outcome);
    };
    if (error instanceof OutOfMemoryError) {
      // A retry would fail the same way, and this process no longer has an engine.
      giveUp();
      worker.kill();
    } else if (error instanceof WnnError) {
      this.#fatal ??= error;
      this.#end(outcome);
      this.#stop.abort();
    } else if (failures < ATTEMPTS && !this.#stop.signal.aborted) {
      this.#list.onNote?.(`${job.id} failed: ${error.message}; retrying once`);
      this.#waiting.unshift(job);
    } else {
      giveUp();
    }
  }

  #end(outcome: JobOutcome<Spec, Result>): void {
    this.#outcomes.set(outcome.job.id, outcome);
    if (outcome.status !== 'canceled') this.#doneUnits += this.#list.kind.unitsOf(outcome.job.spec);
  }

  #showProgress(): void {
    const { onProgress, kind, unitsBefore } = this.#list;
    if (!onProgress) return;
    let done = this.#doneUnits;
    let rate = 0;
    const workers = this.#slots.map(({ number, job, report }): WorkerProgress => {
      if (job !== null) done += report.fraction * kind.unitsOf(job.spec as Spec);
      rate += report.rate ?? 0;
      return { worker: number, job: job?.id ?? null, fraction: report.fraction, detail: report.detail };
    });
    onProgress({
      task: kind.name,
      done: Math.min(done, this.#totalUnits),
      total: this.#totalUnits,
      unit: kind.unit,
      resumed: unitsBefore,
      detail: kind.rateUnit && rate > 0 ? `${Math.round(rate).toLocaleString('en-GB')} ${kind.rateUnit}/s` : undefined,
      workers,
    });
  }
}
