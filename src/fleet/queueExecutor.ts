// The submitting side of a queue: adds the jobs whose results are missing, and watches until all results exist. The
// results decide, not the queue: it may be lost, drained or filled twice, and this command may be stopped at any time.

import { createHash } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Queue } from 'bullmq';
import type { Job, JobExecutor, JobList, JobOutcome } from '../jobs/index.js';
import { needed, requireOptions, TEXT } from '../optionTypes.js';
import type { WorkerProgress } from '../progress.js';
import { quantity } from '../quantity.js';
import { TOOLKIT_VERSION } from '../version.js';
import { parseQueueAddress, type QueueAddress } from './address.js';
import { checkServer, loadBullmq, queueOptions, watchConnection } from './connection.js';
import { makeMessage, type QueuedJob, readProgress, sharePath } from './message.js';
import { clearStaging } from './publish.js';
import { ensureToken } from './token.js';

/** Attempts of a job before it is parked. */
const ATTEMPTS = 3;
/** Milliseconds before a failed job is retried, doubled each time. */
const BACKOFF = 2000;
/** Jobs added to the queue per command. */
const BATCH = 500;
/** Minimum milliseconds between two polls of the queue; every thousand jobs add a second. */
const LOOK = 500;
/** Maximum running jobs whose progress is read. */
const SHOWN = 256;
/** Maximum workers with their own line in the progress display. */
const LINES = 16;

/** States of an unfinished job. */
const OPEN_STATES = ['active', 'wait', 'prioritized', 'delayed'] as const;

/** Options of {@link queueExecutor}. */
export interface QueueExecutorOptions {
  /** Address of the queue: `redis://HOST:PORT/NAME`. */
  queue: string;
  /** Directory shared by all machines; contains all of the plan's paths. Default: $WNN_FLEET_ROOT or the current directory. */
  root?: string;
}

/** Name of a job on the queue. It includes the token, which a new directory changes. */
function queueId(id: string, token: string): string {
  return `${id}@${createHash('sha256').update(token).digest('hex').slice(0, 8)}`;
}

/**
 * An executor that runs jobs on the workers of a queue. It submits the jobs and watches them; when its signal is aborted,
 * it stops watching and the jobs stay on the queue. `execute` returns `done` for a job whose result exists and `failed` for
 * one that is parked. It throws QueueError when the queue cannot be reached at the start (later it waits), and UsageError
 * for paths that are not below `root`.
 *
 * @throws UsageError when `queue` is not a valid address.
 */
export function queueExecutor(options: QueueExecutorOptions): JobExecutor {
  requireOptions('queueExecutor', options, { queue: needed(TEXT), root: TEXT });
  const { queue, root } = options;
  const address = parseQueueAddress(queue);
  return {
    local: false,
    remedy: 'inspect them with `wnn queue status`, then `wnn queue retry` and run the same command again',
    execute: <Spec>(list: JobList<Spec>) =>
      dispatchJobs(address, root ?? (process.env.WNN_FLEET_ROOT || process.cwd()), list),
  };
}

async function dispatchJobs<Spec>(
  address: QueueAddress,
  root: string,
  list: JobList<Spec>,
): Promise<JobOutcome<Spec, null>[]> {
  const { kind, directory, jobs, signal, onNote = () => {} } = list;
  if (jobs.length === 0) return [];
  await checkServer(address);
  const token = ensureToken(directory);
  const messages = new Map(
    jobs.map(({ id, spec }) => [
      queueId(id, token),
      makeMessage({
        kind: kind.name,
        id,
        toolkitVersion: TOOLKIT_VERSION,
        directory: sharePath(root, directory),
        token,
        units: kind.unitsOf(spec),
        spec: kind.pack(spec, (path) => sharePath(root, path)),
      }),
    ]),
  );
  const { Queue } = await loadBullmq();
  const ended = new AbortController();
  const queue: Queue = new Queue(address.name, queueOptions(address, ended.signal));
  watchConnection(queue, address, onNote);
  const plan = new Dispatch(queue, messages, list);
  try {
    await plan.run();
  } catch (error) {
    if (!signal?.aborted) throw error;
  } finally {
    // The connection may be lost, so closing it is not awaited.
    ended.abort();
    void queue.close().catch(() => {});
    await Promise.race([queue.disconnect().catch(() => {}), sleep(1000, undefined, { ref: false })]);
  }
  const outcomes = jobs.map((job) => plan.outcomeOf(job, queueId(job.id, token)));
  clearStaging(directory, new Set(outcomes.filter(({ status }) => status === 'done').map(({ job }) => job.id)));
  return outcomes;
}

class Dispatch<Spec> {
  readonly #queue: Queue;
  readonly #list: JobList<Spec>;
  readonly #missing: Map<string, QueuedJob>;
  readonly #parked = new Map<string, string>();
  readonly #total: number;
  /** Jobs that were missing when this command started, and its start time. */
  readonly #atFirst: number;
  readonly #begun = performance.now();

  constructor(queue: Queue, messages: ReadonlyMap<string, QueuedJob>, list: JobList<Spec>) {
    this.#queue = queue;
    this.#list = list;
    this.#missing = new Map(messages);
    this.#atFirst = this.#missing.size;
    let total = list.unitsBefore ?? 0;
    for (const { units } of messages.values()) total += units;
    this.#total = total;
  }

  async run(): Promise<void> {
    const { signal } = this.#list;
    while (!signal?.aborted && (await this.#look())) {
      await sleep(LOOK + this.#missing.size, undefined, { signal });
    }
  }

  outcomeOf(job: Job<Spec>, name: string): JobOutcome<Spec, null> {
    const reason = this.#parked.get(name);
    if (reason !== undefined) return { job, status: 'failed', error: new Error(reason) };
    return this.#missing.has(name) ? { job, status: 'canceled' } : { job, status: 'done', result: null };
  }

  /** Compares queue, results and plan, and adds missing jobs. Returns whether there is something to wait for. */
  async #look(): Promise<boolean> {
    const { signal } = this.#list;
    // Read before the results: a job that leaves the queue in between has a result.
    const open = new Set(await abortable(this.#queue.getRanges([...OPEN_STATES], 0, -1), signal));
    const failed = new Set(await abortable(this.#queue.getRanges(['failed'], 0, -1), signal));
    const lost: string[] = [];
    for (const [name, { id }] of this.#missing) {
      if (open.has(name)) {
        this.#parked.delete(name);
      } else if (this.#list.kind.isDone(this.#list.directory, id)) {
        this.#missing.delete(name);
        this.#parked.delete(name);
      } else if (failed.has(name)) {
        if (!this.#parked.has(name)) await this.#park(name, id);
      } else {
        lost.push(name);
      }
    }
    await this.#add(lost);
    await this.#show();
    return this.#missing.size > this.#parked.size;
  }

  async #park(name: string, id: string): Promise<void> {
    const job = await abortable(this.#queue.getJob(name), this.#list.signal);
    const reason = job?.failedReason || 'unknown reason';
    this.#parked.set(name, reason);
    this.#list.onNote?.(`${id} is parked: ${reason}`);
  }

  /** Adds jobs; existing ones are not changed. */
  async #add(names: readonly string[]): Promise<void> {
    for (let begin = 0; begin < names.length; begin += BATCH) {
      const jobs = names.slice(begin, begin + BATCH).map((name) => ({
        name: this.#list.kind.name,
        data: this.#missing.get(name) as QueuedJob,
        opts: {
          jobId: name,
          attempts: ATTEMPTS,
          backoff: { type: 'exponential', delay: BACKOFF },
          removeOnComplete: true,
          removeOnFail: false,
        },
      }));
      await abortable(this.#queue.addBulk(jobs), this.#list.signal);
    }
  }

  async #show(): Promise<void> {
    const { onProgress, kind } = this.#list;
    if (!onProgress) return;
    const active = await abortable(this.#queue.getActive(0, SHOWN - 1), this.#list.signal);
    let left = 0;
    for (const { units } of this.#missing.values()) left += units;
    let rate = 0;
    const workers: WorkerProgress[] = [];
    for (const job of active) {
      const message = job?.id === undefined ? undefined : this.#missing.get(job.id);
      if (message === undefined) continue;
      const { fraction, detail, rate: own, worker } = readProgress(job.progress);
      left -= fraction * message.units;
      rate += own;
      const shown = `${worker && `${worker}  `}${detail}`;
      if (workers.length < LINES) workers.push({ worker: workers.length, job: message.id, fraction, detail: shown });
    }
    const done = this.#atFirst - this.#missing.size;
    const jobRate = (done * 1000) / (performance.now() - this.#begun);
    const counts = [
      `${quantity(done, 'job')} done (${Number(jobRate.toPrecision(3))}/s)`,
      `${active.length} running`,
      `${this.#missing.size - this.#parked.size} left`,
    ];
    if (this.#parked.size > 0) counts.push(`${this.#parked.size} parked`);
    if (kind.rateUnit && rate > 0) counts.push(`${Math.round(rate).toLocaleString('en-GB')} ${kind.rateUnit}/s`);
    onProgress({
      task: kind.name,
      done: this.#total - left,
      total: this.#total,
      unit: kind.unit,
      resumed: this.#list.unitsBefore,
      detail: counts.join(', '),
      workers,
    });
  }
}

/** Rejects when the signal is aborted, since a command to an unreachable server waits forever. */
function abortable<T>(promise: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (!signal) return promise;
  promise.catch(() => {});
  return new Promise<T>((resolve, reject) => {
    const onAbort = () => reject(signal.reason);
    if (signal.aborted) onAbort();
    signal.addEventListener('abort', onAbort);
    promise.then(resolve, reject).finally(() => signal.removeEventListener('abort', onAbort));
  });
}
