// Threads that do one task at a time each: Piscina, with errors that keep their class. tinypool is smaller, but leaves the
// task of a thread that exits pending for ever.

import type { Transferable } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { compiledEntry } from './compiledEntry.js';
import { decodeError, type ErrorRecord, encodeError } from './errorRecord.js';

type Settled<Result> = { result: Result } | { error: ErrorRecord };

/** Modules that NODE_OPTIONS preloads, e.g. with families of the user's own. A thread of other flags does not get them. */
function preloads(): string[] {
  const words = (process.env.NODE_OPTIONS ?? '').split(/\s+/);
  return words.flatMap((word, i) => {
    if (word === '--import') return [word, words[i + 1]];
    return word.startsWith('--import=') ? [word] : [];
  });
}

/** A number of threads, all of one module. They do not keep the process alive while they have nothing to do. */
export class ThreadPool<Task, Result> {
  readonly #pool: Piscina<Task, Settled<Result>>;

  /** @param entry module whose default export is made by {@link serveThread}. */
  constructor(entry: URL, threads: number) {
    const { href: filename } = compiledEntry(entry);
    this.#pool = new Piscina({ filename, minThreads: threads, maxThreads: threads, execArgv: preloads() });
    // A thread that dies without a task is replaced; nobody has to hear of it.
    this.#pool.on('error', () => {});
  }

  /**
   * Has a task done by the next thread that is free.
   *
   * @param transferList what of the task goes over rather than being copied.
   * @param signal when aborted, the thread is ended and another one started.
   * @throws what the task threw; Error when the thread ended, AbortError when the signal was aborted.
   */
  async run(task: Task, transferList: Transferable[], signal?: AbortSignal): Promise<Result> {
    const settled = await this.#pool.run(task, { transferList, signal });
    if ('error' in settled) throw decodeError(settled.error);
    return settled.result;
  }

  /** Ends all threads at once; tasks that they have fail. */
  end(): Promise<void> {
    return this.#pool.destroy();
  }
}

/**
 * What a thread's module exports as its default.
 *
 * @param work does one task.
 * @param transferOf the buffers of a result that go over rather than being copied.
 */
export function serveThread<Task, Result>(
  work: (task: Task) => Result | Promise<Result>,
  transferOf: (result: Result) => ArrayBufferLike[] = () => [],
): (task: Task) => Promise<Settled<Result>> {
  return async (task) => {
    try {
      const result = await work(task);
      const value = { [Piscina.transferableSymbol]: transferOf(result), [Piscina.valueSymbol]: { result } };
      return Piscina.move(value as never) as unknown as Settled<Result>;
    } catch (error) {
      return { error: encodeError(error) };
    }
  };
}
