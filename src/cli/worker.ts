// `wnn worker`: does jobs of a queue on this machine, until it is told to stop.

import type { CommandModule } from 'yargs';
import type { EngineRequest } from '../engine/index.js';
import { STAGE_KINDS } from '../fleet/kinds.js';
import { runWorker } from '../fleet/worker.js';
import { quantity } from '../quantity.js';
import { type FleetArguments, hideArguments, needQueue, queueOptions } from './fleet.js';
import { ADAPTER, ENGINE, IMAGES } from './sharedOptions.js';
import { type GlobalArguments, interruptSignal, openTerminal, printResult } from './terminal.js';

interface WorkerArguments extends GlobalArguments, FleetArguments {
  concurrency: number;
  engine?: EngineRequest;
  adapter?: string;
  images?: string;
  'lock-seconds': number;
}

/** `wnn worker`. */
export const workerCommand: CommandModule<object, WorkerArguments> = {
  command: 'worker',
  describe: 'do jobs of a queue until interrupted',
  builder: (yargs) =>
    queueOptions(yargs, 'redis://HOST:PORT/NAME: take jobs from this queue [default: $WNN_QUEUE]')
      .option('concurrency', { type: 'number', default: 1, describe: 'jobs at a time, a process each' })
      .option('engine', { choices: ENGINE.choices, describe: 'for plans that leave it open [default: auto]' })
      .option('adapter', ADAPTER)
      .option('images', IMAGES)
      .option('lock-seconds', {
        type: 'number',
        default: 30,
        describe: 'seconds without a sign of life after which a job goes to another worker',
      })
      .example('wnn worker --queue redis://head:6379/runs --root /mnt/fleet', 'one job at a time')
      .example('wnn worker --queue rediss://head/runs --concurrency 4', 'over TLS; the password in WNN_QUEUE_PASSWORD'),
  handler: async (argv) => {
    hideArguments();
    const terminal = openTerminal(argv);
    const queue = needQueue(argv);
    const { root, concurrency, engine, adapter, images, lockSeconds } = argv as WorkerArguments & {
      lockSeconds: number;
    };
    const { note: onNote } = terminal;
    try {
      const signal = interruptSignal(terminal);
      const onReady = () => onNote('waiting for jobs');
      const options = { queue, kinds: STAGE_KINDS, root, concurrency, engine, adapter, images, lockSeconds };
      const result = await runWorker({ ...options, onNote, onReady, signal });
      terminal.close();
      printResult(
        argv,
        result,
        () => `${quantity(result.done, 'job')} done, ${result.failed} failed, ${result.handedBack} handed back`,
      );
    } finally {
      terminal.close();
      // A client that still looks for a server that is gone must not keep the process.
      setTimeout(() => process.exit(), 1000).unref();
    }
  },
};
