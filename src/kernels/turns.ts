// Scheduling for a compute on the calling thread: pending events run between blocks, and calls execute one at a time.

/** Milliseconds of work after which pending events may run. */
const INTERVAL = 50;

/**
 * Creates a function that lets pending events run if the last time was more than INTERVAL ago.
 *
 * @param pause calls back after pending events; `setImmediate`, where it exists, has the least overhead.
 */
export function makeYielder(pause: (resume: () => void) => unknown): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < INTERVAL) return;
    await new Promise<void>((resolve) => pause(resolve));
    last = performance.now();
  };
}

/** Creates a function that runs tasks one after the other, in the order of the calls, even if one fails. */
export function makeQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
}
