// `wnn queue`: what a queue holds, and putting it right.

import type { CommandModule } from 'yargs';
import { cleanParked, drainQueue, type QueueStatus, readQueueStatus, retryParked } from '../fleet/manage.js';
import { quantity } from '../quantity.js';
import { type FleetArguments, hideArguments, needQueue } from './fleet.js';
import { formatCount } from './format.js';
import { formatTable } from './table.js';
import { type GlobalArguments, printResult } from './terminal.js';

const ACTIONS = ['status', 'retry', 'drain', 'clean'] as const;

interface QueueArguments extends GlobalArguments, FleetArguments {
  action: (typeof ACTIONS)[number];
}

function describeStatus(status: QueueStatus): string {
  const { queue, waiting, delayed, running, parked, workers, runningJobs, parkedJobs } = status;
  const counts = [
    `${formatCount(waiting)} waiting`,
    `${formatCount(delayed)} to be tried again`,
    `${formatCount(running)} running`,
    `${formatCount(parked)} parked`,
    `${formatCount(workers)} workers`,
  ];
  const parts = [`${queue}: ${counts.join(', ')}`];
  if (runningJobs.length > 0)
    parts.push(
      formatTable(
        ['running', 'worker', 'done', ''],
        runningJobs.map(({ kind, id, worker, fraction, detail }) => [
          `${kind} ${id}`,
          worker,
          `${Math.round(100 * fraction)}%`,
          detail,
        ]),
      ),
    );
  for (const { kind, id, attempts, error } of parkedJobs)
    parts.push(`parked: ${kind} ${id}, ${attempts} attempts: ${error}`);
  if (parked > 0) parts.push('`wnn queue retry` tries parked jobs again, `wnn queue clean` forgets them');
  return parts.join('\n');
}

/** `wnn queue`. */
export const queueCommand: CommandModule<object, QueueArguments> = {
  command: 'queue <action>',
  describe: 'show, retry, drain or clean a queue of jobs',
  builder: (yargs) =>
    yargs
      .positional('action', {
        choices: ACTIONS,
        demandOption: true,
        describe:
          'status: what it holds; retry: parked jobs again; drain: take off what waits; clean: forget parked jobs',
      })
      .option('queue', { type: 'string', describe: 'redis://HOST:PORT/NAME [default: $WNN_QUEUE]' })
      .example('wnn queue status --queue redis://head:6379/runs', 'what waits, runs and failed'),
  handler: async (argv) => {
    hideArguments();
    const queue = needQueue(argv);
    switch (argv.action) {
      case 'status': {
        const status = await readQueueStatus(queue);
        printResult(argv, status, () => describeStatus(status));
        return;
      }
      case 'retry': {
        const retried = await retryParked(queue);
        printResult(argv, { retried }, () => `${quantity(retried, 'job')} to be tried again`);
        return;
      }
      case 'drain': {
        const removed = await drainQueue(queue);
        printResult(argv, { removed }, () => `${quantity(removed, 'job')} taken off; those under way go on`);
        return;
      }
      case 'clean': {
        const removed = await cleanParked(queue);
        printResult(argv, { removed }, () => `${formatCount(removed)} parked jobs forgotten`);
        return;
      }
      default:
        throw argv.action satisfies never;
    }
  },
};
