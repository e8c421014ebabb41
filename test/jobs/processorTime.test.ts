import { setTimeout as sleep } from 'node:timers/promises';
import { expect, test } from 'vitest';
import { limitProcessorTime } from '../../src/jobs/processorTime.js';

/** Until the process has taken so much more processor time. */
function work(milliseconds: number): void {
  const begin = process.cpuUsage();
  for (;;) {
    const { user, system } = process.cpuUsage(begin);
    if (user + system > 1000 * milliseconds) return;
  }
}

test('waiting takes none of a limit on processor time', async () => {
  const stop = new AbortController();
  const release = limitProcessorTime(250, stop);
  await sleep(400);
  expect(stop.signal.aborted).toBe(false);
  release();
});

test('work is aborted beyond it, and not any more when it is released', async () => {
  const [stop, released] = [new AbortController(), new AbortController()];
  const release = limitProcessorTime(50, stop);
  limitProcessorTime(50, released)();
  work(100);
  await sleep(250);
  expect([stop.signal.aborted, released.signal.aborted]).toEqual([true, false]);
  release();
});
