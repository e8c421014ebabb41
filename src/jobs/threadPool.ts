// A thread pool on Piscina, with errors that keep their class. tinypool is smaller, but never settles the task of a thread
// that exits.

import type { Transferable } from 'node:worker_threads';
import { move, Piscina, transferableSymbol, valueSymbol } from 'piscina';
import { compiledEntry } from './compiledEntry.js';
import { decodeError, type ErrorRecord, encodeError } from './errorRecord.js';

type Settled<Result> = { result: Result } | { error: ErrorRecord };

/** Modules that NODE_OPTIONS preloads, e.g. custom families. Threads with their own execArgv do not inherit them. */
function preloads(): string[] {
  const words = (process.env.NODE_OPTIONS ?? '').split(/\s+/);
  return words.flatMap((word, i) => {
    if (word === '--import') return [word, words[i + 1]];
    return word.startsWith('--import=') ? [word] : [];
  });
}

/** A pool of threads of one module. Idle threads do not keep the process alive. */
export class ThreadPool<Task, Result> {
  readonly #pool: Piscina<Task, Settled<Result>>;

  /** @param entry module whose default export is made by {@link serveThread}. */
  constructor(entry: URL, threads: number) {
    const { href: filename } = compiledEntry(entry);
    this.#pool = new Piscina({ filename, minThreads: threads, maxThreads: threads, execArgv: preloads() });
    // A thread that dies without a task is replaced silently.
    this.#pool.on('error', () => {});
  }

  /**
   * Runs a task on the next free thread.
   *
   * @param transferList parts of the task to transfer instead of copying.
   * @param signal when aborted, the thread is terminated and replaced.
   * @throws what the task threw; Error when the thread ended, AbortError when the signal was aborted.
   */
  async run(task: Task, transferList: Transferable[], signal?: AbortSignal): Promise<Result> {
    const settled = await this.#pool.run(task, { transferList, signal });
    if ('error' in settled) throw decodeError(settled.error);
    return settled.result;
  }

  /** Terminates all threads; their tasks fail. */
  end(): Promise<void> {
    return this.#pool.destroy();
  }
}

/**
 * Creates the default export of a thread's module.
 *
 * @param work runs one task.
 * @param transferOf the buffers of a result to transfer instead of copying.
 */
export function serveThread<Task, Result>(
  work: (task: Task) => Result | Promise<Result>,
  transferOf: (result: Result) => ArrayBufferLike[] = () => [],
): (task: Task) => Promise<unknown> {
  return async (task) => {
    try {
      const result = await work(task);
      return move({ [transferableSymbol]: transferOf(result), [valueSymbol]: { result } });
    } catch (error) {
      return { error: encodeError(error) };
    }
  };
}
