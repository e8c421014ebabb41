// A worker of a queue: takes jobs, validates them, runs each in its own process and publishes the result. This process does
// no other work, so that it can always renew the locks.

import { rmSync } from 'node:fs';
import { hostname } from 'node:os';
import { resolve } from 'node:path';
import type { Job as BullJob, Worker as BullWorker } from 'bullmq';
import type { EngineRequest } from '../engine/engine.js';
import {
  EngineUnavailableError,
  MissingFileError,
  QueueError,
  UsageError,
  type WnnError,
  WriteError,
} from '../errors.js';
import { type JobKind, JobProcess, limitThreads } from '../jobs/index.js';
import { FUNCTION, NUMBER, needed, OBJECT, type OptionTypes, requireOptions, TEXT } from '../optionTypes.js';
import type { NoteListener } from '../progress.js';
import { TOOLKIT_VERSION } from '../version.js';
import { parseQueueAddress } from './address.js';
import { checkServer, loadBullmq, queueOptions, watchConnection } from './connection.js';
import { checkMessage, excerpt, type QueuedJob, type QueuedProgress, refusal, resolveShared } from './message.js';
import { clearStaging, openStaging, publish } from './publish.js';
import { checkToken, seesToken } from './token.js';

/** Minimum milliseconds between two progress reports to the queue. */
const REPORT_INTERVAL = 1000;
/** How often a job may be lost with its worker before it is parked. */
const MOST_LOSSES = 10;
/** How often workers may return a job that they cannot run before it is parked. */
const MOST_HAND_BACKS = 3;
/** Jobs in a row that a worker cannot run before it ends: with one, the fault may be the job's. */
const UNABLE_IN_A_ROW = 2;
/** Milliseconds in which other workers can take a returned job. */
const HAND_BACK_DELAY = 1000;
/** Milliseconds before a job is tried again whose directory this worker no longer sees. */
const GONE_DELAY = 2000;
/** Milliseconds to wait before retrying after the server did not respond. */
const RETRY_DELAY = 1000;
/** Milliseconds to wait for the server when the worker ends. */
const CLOSE_TIMEOUT = 5000;

/** Options of {@link runWorker}. */
export interface WorkerOptions {
  /** Address of the queue: `redis://HOST:PORT/NAME`. */
  queue: string;
  /** Accepted job kinds. */
  kinds: Readonly<Record<string, () => Promise<JobKind<unknown>>>>;
  /** Directory shared by all machines; jobs cannot name paths outside. Default: $WNN_FLEET_ROOT or the current directory. */
  root?: string;
  /** Concurrent jobs, one process each. Default 1. */
  concurrency?: number;
  /** Engine for plans with `auto`. Default: as the plan says. */
  engine?: EngineRequest;
  /** For webgpu: the GPU of this machine, or a part of its name. Default: the system default. */
  adapter?: string;
  /** Directory of the image datasets on this machine. Default: $WNN_IMAGES, or data/images. */
  images?: string;
  /** Seconds after which the jobs of a lost worker are given to others; at least 1. Default 30. */
  lockSeconds?: number;
  onNote?: NoteListener;
  /** Called when the worker is ready to take jobs. */
  onReady?(): void;
  /** When aborted, running jobs are returned to the queue and the worker ends. */
  signal?: AbortSignal;
}

/** The types of {@link WorkerOptions}. */
const WORKER_OPTIONS: OptionTypes<WorkerOptions> = {
  queue: needed(TEXT),
  kinds: needed(OBJECT),
  root: TEXT,
  concurrency: NUMBER,
  engine: TEXT,
  adapter: TEXT,
  images: TEXT,
  lockSeconds: NUMBER,
  onNote: FUNCTION,
  onReady: FUNCTION,
  signal: OBJECT,
};

/** Result of {@link runWorker}. */
export interface WorkerResult {
  /** Numbers of jobs finished here; already done; failed; returned to the queue. */
  done: number;
  found: number;
  failed: number;
  handedBack: number;
}

/**
 * Runs a worker until the signal is aborted.
 *
 * A job that this machine cannot run is returned to the queue, which parks it after three workers. A worker that cannot run
 * two in a row ends; its other jobs stop cleanly. If a directory that it has seen disappears, it returns that directory's jobs
 * and waits.
 *
 * @throws QueueError when the queue cannot be reached at the start, or this machine cannot run its jobs: another toolkit
 *   version, another directory. WriteError, EngineUnavailableError or MissingFileError when the disk is full, the engine
 *   does not open or images are missing.
 */
export async function runWorker(options: WorkerOptions): Promise<WorkerResult> {
  requireOptions('runWorker', options, WORKER_OPTIONS);
  const { concurrency = 1, lockSeconds = 30, signal, onNote = () => {} } = options;
  for (const [name, value, least] of [
    ['--concurrency', concurrency, 1],
    ['--lock-seconds', lockSeconds, 1],
  ] as const)
    if (!(Number.isInteger(value) && value >= least && value <= 10_000))
      throw new UsageError({
        what: 'not a whole number from 1 to 10,000',
        where: `${name} ${value}`,
        remedy: 'give e.g. 1',
      });
  const address = parseQueueAddress(options.queue);
  await checkServer(address);
  const bullmq = await loadBullmq();
  const running = new RunningJobs(options, bullmq);
  const ended = new AbortController();
  const worker: BullWorker = new bullmq.Worker(address.name, (job, token) => running.take(job, token as string), {
    ...queueOptions(address, ended.signal),
    concurrency,
    lockDuration: 1000 * lockSeconds,
    stalledInterval: 1000 * lockSeconds,
    maxStalledCount: MOST_LOSSES,
    drainDelay: 1,
    runRetryDelay: RETRY_DELAY,
    autorun: false,
  });
  watchConnection(worker, address, onNote);
  // After a lost lock another worker has the job; both results are the same, and each attempt has its own directory.
  worker.on('lockRenewalFailed', (names) => running.drop(names));
  running.worker = worker;
  const stopped = new Promise<void>((resolve) => {
    const stop = () => resolve();
    if (signal?.aborted) stop();
    signal?.addEventListener('abort', stop);
    running.onUnable = stop;
  });
  void worker.run().catch(() => {});
  options.onReady?.();
  await stopped;
  const closing = worker.close().catch(() => {});
  if (signal?.aborted) running.handBackAll();
  else signal?.addEventListener('abort', () => running.handBackAll());
  await running.empty();
  await Promise.race([closing, new Promise((resolve) => setTimeout(resolve, CLOSE_TIMEOUT).unref())]);
  ended.abort();
  running.end();
  if (running.unable) throw running.unable;
  return running.counts;
}

/** The running jobs of a worker. */
class RunningJobs {
  readonly counts: WorkerResult = { done: 0, found: 0, failed: 0, handedBack: 0 };
  worker: BullWorker | null = null;
  /** Why this machine cannot run its jobs. */
  unable: Error | null = null;
  onUnable: () => void = () => {};
  /** Jobs in a row that it could not run. */
  #unableInARow = 0;
  readonly #options: WorkerOptions;
  readonly #bullmq: typeof import('bullmq');
  readonly #root: string;
  /** Directories whose token this worker has seen, and the one that is gone. */
  readonly #seen = new Set<string>();
  #gone: string | null = null;
  readonly #name = `${hostname()}:${process.pid}`;
  readonly #aborts = new Map<string, AbortController>();
  readonly #working = new Set<Promise<unknown>>();
  readonly #idle = new Map<string, JobProcess[]>();
  readonly #env: NodeJS.ProcessEnv;

  constructor(options: WorkerOptions, bullmq: typeof import('bullmq')) {
    this.#options = options;
    this.#bullmq = bullmq;
    this.#root = resolve(options.root ?? (process.env.WNN_FLEET_ROOT || process.cwd()));
    this.#env = { ...process.env, ...limitThreads(options.concurrency ?? 1) };
    // Job processes must not see the queue's credentials.
    for (const name of ['WNN_QUEUE', 'WNN_QUEUE_USER', 'WNN_QUEUE_PASSWORD']) delete this.#env[name];
  }

  /** Runs a job of the queue; BullMQ interprets what it throws. */
  async take(job: BullJob, token: string): Promise<void> {
    const work = this.#take(job, token);
    this.#working.add(work);
    try {
      await work;
    } finally {
      this.#working.delete(work);
    }
  }

  /** Resolves when no job is running. */
  async empty(): Promise<void> {
    while (this.#working.size > 0) await Promise.allSettled(this.#working);
  }

  handBackAll(): void {
    for (const abort of this.#aborts.values()) abort.abort();
  }

  drop(names: readonly string[]): void {
    for (const name of names) this.#aborts.get(name)?.abort();
  }

  /** Ends all processes. */
  end(): void {
    for (const processes of this.#idle.values()) for (const process of processes) process.kill();
    this.#idle.clear();
  }

  async #take(job: BullJob, token: string): Promise<void> {
    const { onNote = () => {} } = this.#options;
    const abort = new AbortController();
    const name = job.id ?? '';
    this.#aborts.set(name, abort);
    try {
      // A job that was fetched while the worker was stopping.
      if (this.unable || this.#options.signal?.aborted) return await this.#handBack(job, token);
      const message = checkMessage(job.data);
      const begin = performance.now();
      const how = await this.#do(message, job, abort.signal);
      this.counts[how]++;
      this.#unableInARow = 0;
      const seconds = ((performance.now() - begin) / 1000).toFixed(1);
      onNote(how === 'done' ? `${message.id}: done in ${seconds} s` : `${message.id}: already done`);
    } catch (error) {
      if (error instanceof this.#bullmq.WaitingError) throw error;
      const text = error instanceof Error ? error.message : String(error);
      const id = excerpt((job.data as Partial<QueuedJob> | null)?.id);
      if (abort.signal.aborted && error === abort.signal.reason) {
        onNote(`${id}: returned to the queue`);
        return await this.#handBack(job, token);
      }
      const gone = this.#vanished(job.data);
      if (gone !== null) {
        if (this.#gone !== gone) onNote(`${gone} is gone; waiting for it`);
        this.#gone = gone;
        return await this.#handBack(job, token, GONE_DELAY);
      }
      if (isUnable(error)) {
        if (++this.#unableInARow >= UNABLE_IN_A_ROW) {
          this.unable ??= error;
          this.onUnable();
        }
        const handBacks = 1 + (Number((job.data as Partial<QueuedJob>).handBacks) || 0);
        if (handBacks < MOST_HAND_BACKS) {
          onNote(`${id}: returned to the queue, as this worker cannot run it: ${text}`);
          await job.updateData({ ...(job.data as QueuedJob), handBacks }).catch(() => {});
          return await this.#handBack(job, token, HAND_BACK_DELAY);
        }
        this.counts.failed++;
        onNote(`${id}: parked, as ${handBacks} workers could not run it: ${text}`);
        throw new this.#bullmq.UnrecoverableError(`${handBacks} workers could not run it, the last one: ${text}`);
      }
      this.counts.failed++;
      onNote(`${id}: failed: ${text}`);
      // A job that fails validation will fail again.
      if (error instanceof UsageError) throw new this.#bullmq.UnrecoverableError(text);
      throw new Error(text);
    } finally {
      this.#aborts.delete(name);
    }
  }

  /** The directory of a job if this worker saw it before and does not see it now: a mount that is gone, not a wrong one. */
  #vanished(data: unknown): string | null {
    try {
      const directory = resolveShared(this.#root, checkMessage(data).directory);
      return this.#seen.has(directory) && !seesToken(directory) ? directory : null;
    } catch {
      return null;
    }
  }

  /** Returns a job to the queue, at once or after `delay` milliseconds. It does not count as an attempt. */
  async #handBack(job: BullJob, token: string, delay = 0): Promise<never> {
    this.counts.handedBack++;
    const move = delay > 0 ? job.moveToDelayed(Date.now() + delay, token) : job.moveToWait(token).then(() => {});
    await Promise.race([move.catch(() => {}), new Promise((resolve) => setTimeout(resolve, CLOSE_TIMEOUT).unref())]);
    throw delay > 0 ? new this.#bullmq.DelayedError() : new this.#bullmq.WaitingError();
  }

  async #do(message: QueuedJob, job: BullJob, signal: AbortSignal): Promise<'done' | 'found'> {
    const { id, toolkitVersion } = message;
    const { engine, adapter, images, onNote = () => {} } = this.#options;
    if (!Object.hasOwn(this.#options.kinds, message.kind)) throw refusal('unknown kind of job', excerpt(message.kind));
    const directory = resolveShared(this.#root, message.directory);
    if (toolkitVersion !== TOOLKIT_VERSION)
      throw new QueueError({
        what: `the queue has jobs of toolkit ${excerpt(toolkitVersion)}, this worker is ${TOOLKIT_VERSION}`,
        where: id,
        remedy: 'install the version that plans them',
      });
    checkToken(directory, message.token);
    this.#seen.add(directory);
    if (this.#gone === directory) {
      onNote(`${directory} is back`);
      this.#gone = null;
    }
    const kind = await this.#options.kinds[message.kind]();
    if (kind.isDone(directory, id)) return 'found';
    const resolveName = (path: string) => resolveShared(this.#root, path);
    const check = (staging: string) =>
      kind.unpack(message.spec, id, { directory, staging, engine, adapter, images, resolve: resolveName });
    check(directory);
    const staging = openStaging(directory, id);
    try {
      onNote(`${id}: started`);
      const process = this.#processOf(kind);
      let reported = 0;
      const onReport = ({ fraction, detail, rate = 0 }: { fraction: number; detail: string; rate?: number }) => {
        if (performance.now() - reported < REPORT_INTERVAL) return;
        reported = performance.now();
        job.updateProgress({ fraction, detail, rate, worker: this.#name } satisfies QueuedProgress).catch(() => {});
      };
      const run = process.run({ id, spec: check(staging) }, { onReport, onNote, signal });
      try {
        await run;
        this.#keep(kind, process);
      } catch (error) {
        process.kill();
        throw error;
      }
      // Where a mount disappeared meanwhile, what was written since lies on this machine's own disk.
      checkToken(directory, message.token);
      if (!kind.isDone(directory, id)) publish(directory, staging, kind.outputsOf(id));
      clearStaging(directory, new Set([id]));
      return 'done';
    } catch (error) {
      rmSync(staging, { recursive: true, force: true });
      // Another attempt finished first and removed this one.
      if (kind.isDone(directory, id)) return 'found';
      throw error;
    }
  }

  #processOf({ entry }: JobKind<unknown>): JobProcess {
    const idle = this.#idle.get(entry.href) ?? [];
    for (let process = idle.pop(); process !== undefined; process = idle.pop()) if (process.alive) return process;
    // Idle processes of another kind would only use memory.
    this.end();
    return new JobProcess(entry, this.#env);
  }

  #keep({ entry }: JobKind<unknown>, process: JobProcess): void {
    this.#idle.set(entry.href, [...(this.#idle.get(entry.href) ?? []), process]);
  }
}

/** Whether an error is due to this machine rather than the job. */
function isUnable(error: unknown): error is WnnError {
  return (
    error instanceof QueueError ||
    error instanceof WriteError ||
    error instanceof EngineUnavailableError ||
    error instanceof MissingFileError
  );
}
