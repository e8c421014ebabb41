// What a compute on the calling thread owes its caller: it lets pending events run between blocks, and it executes one
// call at a time.

/** Milliseconds of work after which pending events may run. */
const INTERVAL = 50;

/**
 * Makes a function that lets pending events run when the last time was long ago.
 *
 * @param pause calls back after pending events; `setImmediate` where there is one wastes the least time.
 */
export function makeYielder(pause: (resume: () => void) => unknown): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < INTERVAL) return;
    await new Promise<void>((resolve) => pause(resolve));
    last = performance.now();
  };
}

/** Makes a function that runs one piece of work after the other, in the order of the calls, whether or not one fails. */
export function makeQueue(): <T>(work: () => Promise<T>) => Promise<T> {
  let last: Promise<unknown> = Promise.resolve();
  return (work) => {
    const done = last.then(work);
    last = done.catch(() => undefined);
    return done;
  };
}
