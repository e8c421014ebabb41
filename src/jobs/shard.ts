// Shards of a list of jobs, for schedulers that start the same command many times: a shard is every n-th job.

import { UsageError } from '../errors.js';

/** Every `count`-th job from the `index`-th on, counted from 1. */
export interface Shard {
  index: number;
  count: number;
}

/**
 * The jobs of one shard.
 *
 * @throws {@link UsageError} when there is no such shard.
 */
export function takeShard<T>(jobs: readonly T[], { index, count }: Shard): T[] {
  if (!(Number.isInteger(index) && Number.isInteger(count) && index >= 1 && index <= count)) {
    throw new UsageError({ what: 'no such shard', where: `${index}/${count}`, remedy: 'give i/n with i from 1 to n' });
  }
  return jobs.filter((_, i) => i % count === index - 1);
}

/**
 * Parses a shard: `2/8`.
 *
 * @throws {@link UsageError} for another format.
 */
export function parseShard(text: string): Shard {
  const match = /^(\d{1,9})\/(\d{1,9})$/.exec(text);
  if (match) return { index: Number(match[1]), count: Number(match[2]) };
  throw new UsageError({ what: 'not a shard', where: text, remedy: 'give i/n, e.g. 1/4' });
}

/** A shard set by a scheduler, and the environment variables that say so. */
export interface ScheduledShard extends Shard {
  from: string;
}

/**
 * The shard that a Slurm array or a Kubernetes Indexed Job assigns to this process; undefined outside of both.
 *
 * Slurm sets `SLURM_ARRAY_TASK_ID`, `_COUNT`, `_MIN` and `_STEP`. Kubernetes sets only `JOB_COMPLETION_INDEX`, from 0;
 * `WNN_SHARDS` must be set to the job's `completions`.
 *
 * @throws {@link UsageError} when a variable is not a number, or the count is missing on Kubernetes, where each pod would
 *   otherwise run the whole plan.
 */
export function shardFromEnvironment(env: NodeJS.ProcessEnv = process.env): ScheduledShard | undefined {
  const read = (name: string, least: number, fallback?: number): number => {
    const text = env[name];
    const value = text === undefined || text === '' ? fallback : Number(text);
    if (value !== undefined && Number.isSafeInteger(value) && value >= least) return value;
    throw new UsageError({
      what: text === undefined ? `${name} is not set` : `${name} is not a number from ${least}`,
      where: text ?? 'environment',
      remedy: 'correct it, or give --shard i/n (1/1 for all)',
    });
  };
  if (env.SLURM_ARRAY_TASK_ID) {
    const id = read('SLURM_ARRAY_TASK_ID', 0);
    const count = read('SLURM_ARRAY_TASK_COUNT', 1);
    const index = (id - read('SLURM_ARRAY_TASK_MIN', 0, 1)) / read('SLURM_ARRAY_TASK_STEP', 1, 1) + 1;
    return { index, count, from: 'SLURM_ARRAY_TASK_ID' };
  }
  if (env.JOB_COMPLETION_INDEX) {
    return { index: read('JOB_COMPLETION_INDEX', 0) + 1, count: read('WNN_SHARDS', 1), from: 'JOB_COMPLETION_INDEX' };
  }
  return undefined;
}
