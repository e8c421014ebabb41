// A worker thread of the dataset stage: takes runs from its parent one at a time, sends packets of samples back, and
// waits when too much of what it sent is not worked off yet. The other end is pool.ts.

import { parentPort, workerData } from 'node:worker_threads';
import { WnnError } from '../errors.js';
import { extractRun, type RunTask } from './extractRun.js';
import { FRACTION, FRACTION_UNIT, SENT, TAKEN, type WorkerMessage, type WorkerSetup } from './protocol.js';

const port = parentPort;
if (port !== null) {
  const { shared, window } = workerData as WorkerSetup;
  const send = (message: WorkerMessage, transfer: ArrayBuffer[] = []) => port.postMessage(message, transfer);
  const work = async (task: RunTask) => {
    Atomics.store(shared, FRACTION, 0);
    const figures = await extractRun(task, {
      sink(packet) {
        for (;;) {
          const taken = Atomics.load(shared, TAKEN);
          // The difference is right even when the counters have run over.
          if (((shared[SENT] - taken) | 0) < window) break;
          Atomics.wait(shared, TAKEN, taken);
        }
        Atomics.add(shared, SENT, 1);
        const { windows, targets, scales } = packet;
        send(
          { type: 'packet', index: task.index, packet },
          [windows, targets, scales].map((a) => a.buffer as ArrayBuffer),
        );
      },
      onAdvance: (fraction) => Atomics.store(shared, FRACTION, fraction * FRACTION_UNIT),
    });
    send({ type: 'done', figures });
  };
  port.on('message', (task: RunTask) => {
    work(task).catch((error: unknown) => {
      const parts =
        error instanceof WnnError
          ? { name: error.name, what: error.what, where: error.where, remedy: error.remedy }
          : null;
      send({ type: 'failed', index: task.index, error: parts ? null : error, parts });
    });
  });
}
