// A worker thread of the dataset stage: takes runs from its parent one at a time, sends packets of samples back, and
// waits when too much of what it sent is not worked off yet. The other end is pool.ts.

import { parentPort, workerData } from 'node:worker_threads';
import { WnnError } from '../errors.js';
import { extractRun, type RunTask } from './extractRun.js';
import { type SlotPool, sliceSlots } from './packets.js';
import { FRACTION, FRACTION_UNIT, FREED, RING, type WorkerMessage, type WorkerSetup } from './protocol.js';

const port = parentPort;
if (port !== null) {
  const { shared, memory, packet: shape } = workerData as WorkerSetup;
  const slots = sliceSlots(memory, shape);
  let acquired = 0;
  const pool: SlotPool = {
    acquire() {
      while (Atomics.load(shared, FREED) === acquired) Atomics.wait(shared, FREED, acquired);
      const slot = slots[shared[RING + (acquired % slots.length)]];
      acquired++;
      return slot;
    },
  };
  const send = (message: WorkerMessage) => port.postMessage(message);
  const work = async (task: RunTask) => {
    Atomics.store(shared, FRACTION, 0);
    const figures = await extractRun(task, {
      pool,
      sink: ({ kind, shard, rows, slot }) =>
        send({ type: 'packet', index: task.index, packet: { kind, shard, rows, slot } }),
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
