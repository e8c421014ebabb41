// Two courtesies of a compute that runs on the calling thread: it lets pending events run now and then, and it does
// one call at a time. Not: anything numeric.

/** How long a compute works before it lets the page or the event loop breathe, in milliseconds. */
const BREATH = 50;

/**
 * Makes a function that lets pending events run when the last time was long ago.
 *
 * @param pause calls back after pending events; `setImmediate` where there is one wastes the least time.
 */
export function makeBreather(pause: (resume: () => void) => unknown): () => Promise<void> {
  let last = performance.now();
  return async () => {
    if (performance.now() - last < BREATH) return;
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
