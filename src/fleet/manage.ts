// Manages a queue: status, retry, drain and clean.

import type { Queue } from 'bullmq';
import { parseQueueAddress } from './address.js';
import { checkServer, loadBullmq, queueOptions } from './connection.js';
import { type QueuedJob, readProgress } from './message.js';

/** Maximum listed jobs per state. */
const LISTED = 100;
/** Jobs moved or removed per command. */
const BATCH = 1000;

/** State of a queue. */
export interface QueueStatus {
  /** The queue, without user and password. */
  queue: string;
  waiting: number;
  /** Failed jobs that wait for their next attempt. */
  delayed: number;
  running: number;
  parked: number;
  /** Connected workers. */
  workers: number;
  /** Running jobs, the first 100. */
  runningJobs: { kind: string; id: string; worker: string; fraction: number; detail: string; rate: number }[];
  /** Permanently failed jobs, the first 100. */
  parkedJobs: { kind: string; id: string; attempts: number; error: string }[];
}

/** Opens a queue for `work` and closes it. */
async function withQueue<T>(address: string, work: (queue: Queue, label: string) => Promise<T>): Promise<T> {
  const parsed = parseQueueAddress(address);
  await checkServer(parsed);
  const { Queue } = await loadBullmq();
  const queue: Queue = new Queue(parsed.name, queueOptions(parsed));
  queue.on('error', () => {});
  try {
    return await work(queue, parsed.label);
  } finally {
    await queue.close();
  }
}

/** Names of a job from an untrusted queue, safe to print. */
function namesOf(job: { name?: string; data?: unknown; id?: string }): { kind: string; id: string } {
  const plain = (value: unknown) =>
    String(value ?? '?')
      .replace(/[^\w.@ -]/g, '?')
      .slice(0, 220);
  const data = job.data as Partial<QueuedJob> | null | undefined;
  return { kind: plain(data?.kind ?? job.name), id: plain(data?.id ?? job.id) };
}

/**
 * Reads the status of a queue.
 *
 * @throws QueueError when it cannot be reached.
 */
export function readQueueStatus(address: string): Promise<QueueStatus> {
  return withQueue(address, async (queue, label) => {
    const counts = await queue.getJobCounts('wait', 'prioritized', 'delayed', 'active', 'failed');
    const active = await queue.getActive(0, LISTED - 1);
    const failed = await queue.getFailed(0, LISTED - 1);
    return {
      queue: label,
      waiting: counts.wait + counts.prioritized,
      delayed: counts.delayed,
      running: counts.active,
      parked: counts.failed,
      workers: (await queue.getWorkers()).length,
      runningJobs: active.map((job) => ({ ...namesOf(job), ...readProgress(job.progress) })),
      parkedJobs: failed.map((job) => ({
        ...namesOf(job),
        attempts: job.attemptsMade,
        error: (job.failedReason ?? '').replace(/\p{Cc}/gu, ' ').slice(0, 500),
      })),
    };
  });
}

/** Puts all parked jobs back on the queue with a full number of attempts. @returns their number. */
export function retryParked(address: string): Promise<number> {
  return withQueue(address, async (queue) => {
    let count = 0;
    // One by one, to reset the attempts of each job.
    for (;;) {
      const failed = await queue.getFailed(0, BATCH - 1);
      if (failed.length === 0) return count;
      for (const job of failed) {
        const { handBacks: _, ...data } = { ...(job.data as QueuedJob) };
        await job.updateData(data);
        await job.retry('failed', { resetAttemptsMade: true });
      }
      count += failed.length;
    }
  });
}

/** Removes all jobs that are not running. @returns their number. */
export function drainQueue(address: string): Promise<number> {
  return withQueue(address, async (queue) => {
    const counts = await queue.getJobCounts('wait', 'prioritized', 'delayed');
    await queue.drain(true);
    return counts.wait + counts.prioritized + counts.delayed;
  });
}

/** Removes all parked jobs; their plan will submit them again. @returns their number. */
export function cleanParked(address: string): Promise<number> {
  return withQueue(address, async (queue) => {
    let count = 0;
    for (;;) {
      const removed = await queue.clean(0, BATCH, 'failed');
      if (removed.length === 0) return count;
      count += removed.length;
    }
  });
}
