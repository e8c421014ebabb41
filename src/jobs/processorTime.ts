// A limit on the processor time of work in another thread. The clock alone would end healthy work on a busy machine.

const CHECK_MS = 100;

/**
 * Aborts when the process has taken so much processor time, and the clock has moved as far, since the call. Node.js 20 tells
 * the time of the whole process only: at least that of the thread in question, and with other threads at work the clock
 * decides.
 *
 * @param limit in milliseconds.
 * @returns ends the watch; to be called when the work has ended.
 */
export function limitProcessorTime(limit: number, stop: AbortController): () => void {
  const [clock, processor] = [performance.now(), process.cpuUsage()];
  const timer = setInterval(() => {
    const { user, system } = process.cpuUsage(processor);
    if (Math.min(performance.now() - clock, (user + system) / 1000) > limit) stop.abort();
  }, CHECK_MS);
  return () => clearInterval(timer);
}
