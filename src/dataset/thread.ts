// A thread of the dataset stage: reads one run at a time, sends packets of samples as it goes, and waits when too much of
// what it sent is not worked off yet. The other end is extractRuns.ts.

import type { MessagePort } from 'node:worker_threads';
import { serveThread } from '../jobs/threadPool.js';
import { extractRun, type RunFigures, type RunTask } from './extractRun.js';
import { type Packet, type SlotMemory, SlotPool } from './packets.js';

/** Least milliseconds between two reports of a thread. */
const REPORT_INTERVAL = 250;

/** A run to read. */
export interface ThreadTask {
  task: RunTask;
  /** Where its packets go. */
  memory: SlotMemory;
  /** Takes {@link ThreadMessage}s. */
  port: MessagePort;
}

/** A packet without its samples, which its slot holds; or the share of the run that is done. */
export type ThreadMessage = Omit<Packet, 'samples'> | number;

export default serveThread(async ({ task, memory, port }: ThreadTask): Promise<RunFigures> => {
  const send = (message: ThreadMessage) => port.postMessage(message);
  let reported = performance.now();
  return extractRun(task, {
    pool: new SlotPool(task.packet, memory),
    sink: ({ samples: _, ...packet }) => send(packet),
    onAdvance(fraction) {
      if (performance.now() - reported < REPORT_INTERVAL) return;
      reported = performance.now();
      send(fraction);
    },
  });
});
