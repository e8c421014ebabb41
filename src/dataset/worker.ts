// A worker thread of the dataset stage: takes runs from its parent one at a time, sends packets of samples back, and
// waits when too much of what it sent is not worked off yet. The other end is pool.ts.

import { parentPort, workerData } from 'node:worker_threads';
import { WnnError } from '../errors.js';
import { extractRun, type RunTask } from './extractRun.js';
import { type Slot, type SlotPool, sliceSlots } from './packets.js';
import { FRACTION, FRACTION_UNIT, FREED, RING, type WorkerMessage, type WorkerSetup } from './protocol.js';

const port = parentPort;
if (port !== null) {
  const { shared, memory, packet: shape } = workerData as WorkerSetup;
  const slots = sliceSlots(memory, shape);
  const free: Slot[] = [];
  let seen = 0;
  const pool: SlotPool = {
    acquire() {
      if (free.length === 0) Atomics.wait(shared, FREED, seen);
      for (const freed = Atomics.load(shared, FREED); seen < freed; seen++)
        free.push(slots[shared[RING + (seen % slots.length)]]);
      // The one that was freed last is the likeliest to be in a cache, and slots that are not needed stay untouched.
      return free.pop() as Slot;
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
