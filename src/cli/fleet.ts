// Options that the commands share whose jobs can be spread over machines: a queue, or a shard.

import type { Argv } from 'yargs';
import { UsageError } from '../errors.js';
import { queueExecutor } from '../fleet/queueExecutor.js';
import { type JobExecutor, parseShard, type Shard, shardFromEnvironment } from '../jobs/index.js';
import type { NoteListener } from '../progress.js';

/** Arguments of {@link fleetOptions}. */
export interface FleetArguments {
  queue?: string;
  /** Of commands that compute. */
  adapter?: string;
  root?: string;
  shard?: string;
}

/** Adds `--queue`, `--root` and `--shard`. */
export function fleetOptions<T>(yargs: Argv<T>) {
  return queueOptions(yargs).option('shard', {
    type: 'string',
    global: false,
    describe: 'do only part i of n, from 1/n to n/n [default: what Slurm or Kubernetes say]',
  });
}

/** Adds `--queue` and `--root`. @param describe what the command does with the queue. */
export function queueOptions<T>(
  yargs: Argv<T>,
  describe = 'redis://HOST:PORT/NAME: leave the work to the workers of a queue',
) {
  return yargs
    .option('queue', {
      type: 'string',
      global: false,
      describe,
    })
    .option('root', {
      type: 'string',
      global: false,
      describe: 'of a queue: directory that all machines see [default: $WNN_FLEET_ROOT or this one]',
    });
}

/** Who is to do the plan, or what of it this command is to do. */
export interface FleetChoice {
  executor?: JobExecutor;
  shard?: Shard;
}

/**
 * The executor of the queue, or the shard of the option or else of the scheduler.
 *
 * @throws UsageError when both are given, or the queue or the shard is none, or a GPU is chosen for other machines.
 */
export function chooseFleet({ queue, root, shard, adapter }: FleetArguments, onNote: NoteListener): FleetChoice {
  if (queue !== undefined) {
    hideArguments();
    if (adapter !== undefined)
      throw new UsageError({
        what: 'a queue and an adapter of this machine',
        where: '--adapter',
        remedy: 'give --adapter to each `wnn worker`',
      });
    if (shard === undefined) return { executor: queueExecutor({ queue, root }) };
    throw new UsageError({ what: 'a queue and a shard', where: '--shard', remedy: 'give one of them' });
  }
  if (shard !== undefined) return { shard: parseShard(shard) };
  const scheduled = shardFromEnvironment();
  if (scheduled === undefined) return {};
  onNote(`shard ${scheduled.index}/${scheduled.count}, from ${scheduled.from}`);
  return { shard: { index: scheduled.index, count: scheduled.count } };
}

/** Takes a password in the URL out of what `ps` shows. */
export function hideArguments(): void {
  process.title = 'wnn';
}

/**
 * The queue that a command works on.
 *
 * @throws UsageError when neither `--queue` nor `$WNN_QUEUE` names one.
 */
export function needQueue({ queue = process.env.WNN_QUEUE }: FleetArguments): string {
  if (queue) return queue;
  throw new UsageError({ what: 'no queue', where: '--queue', remedy: 'give redis://HOST:PORT/NAME, or set WNN_QUEUE' });
}
