// A worker thread of the dataset stage: reads one run at a time and sends packets of samples. It blocks while too many
// packets are unprocessed. The other end is extractRuns.ts.

import type { MessagePort } from 'node:worker_threads';
import { serveThread } from '../jobs/threadPool.js';
import { extractRun, type RunStatistics, type RunTask } from './extractRun.js';
import { type Packet, type SlotMemory, SlotPool } from './packets.js';

/** Minimum milliseconds between two progress reports. */
const REPORT_INTERVAL = 250;

/** A run to read. */
export interface ThreadTask {
  task: RunTask;
  /** Memory of its packets. */
  memory: SlotMemory;
  /** Receives {@link ThreadMessage}s. */
  port: MessagePort;
}

/** A packet without its samples, which are in its slot; or the fraction of the run that is done. */
export type ThreadMessage = Omit<Packet, 'samples'> | number;

export default serveThread(async ({ task, memory, port }: ThreadTask): Promise<RunStatistics> => {
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
