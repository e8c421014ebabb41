// Reads HDF5 files: what they hold, and their arrays of floats. The HDF5 library works in a thread (thread.ts), so that
// no file can crash or stall the process. Knows nothing of what the files mean.

import { MessageChannel } from 'node:worker_threads';
import { limitProcessorTime } from '../jobs/processorTime.js';
import { ThreadPool } from '../jobs/threadPool.js';
import { type H5Node, H5Problem, type H5Reply, type H5Request } from './protocol.js';

export { type H5Node, H5Problem };

/** An open file. */
export interface H5Content {
  /** All groups and datasets, each group before what it holds. */
  nodes: H5Node[];
  /**
   * Reads datasets of floats as float32, rounded where they hold more digits.
   *
   * @throws {@link H5Problem}
   */
  readFloats(paths: readonly string[]): Promise<Float32Array[]>;
}

/** Processor time that a request may take, and more for each byte of the file. A corrupt file may never come to an end. */
const LIMIT_MS = 10_000;
const LIMIT_MS_PER_BYTE = 1 / 20_000;

/** Kept for the next file: starting a thread costs as much as reading hundreds of small files. */
let threads: ThreadPool<H5Request, H5Reply> | undefined;

/** Has the thread do something with a file. */
async function ask(file: H5Request['file'], paths: H5Request['paths']): Promise<H5Reply> {
  threads ??= new ThreadPool(new URL('./thread.js', import.meta.url), 1);
  const stop = new AbortController();
  const { port1, port2 } = new MessageChannel();
  let release = () => {};
  // Not before it begins: no file has a part in the loading of the library, nor in the reading of the file before.
  port1.once('message', () => {
    release = limitProcessorTime(LIMIT_MS + file.length * LIMIT_MS_PER_BYTE, stop);
  });
  try {
    return await threads.run({ file, paths, begun: port2 }, [port2], stop.signal);
  } catch (error) {
    if (stop.signal.aborted) throw new H5Problem('the HDF5 library does not come to an end');
    const { name, message } = error as Error;
    throw new H5Problem(name === 'H5Problem' ? message : 'the HDF5 library cannot read it');
  } finally {
    release();
    port1.close();
  }
}

/**
 * Opens a file and has `use` read from it.
 *
 * @param bytes the whole file; copied for the thread.
 * @param use may call `readFloats` as long as its promise is pending.
 * @throws {@link H5Problem} when the file cannot be read, does not hold what is read, or claims more than it has.
 */
export async function readH5File<T>(bytes: Uint8Array, use: (content: H5Content) => Promise<T>): Promise<T> {
  const file = new Uint8Array(new SharedArrayBuffer(bytes.length));
  file.set(bytes);
  const { nodes } = await ask(file, null);
  return use({ nodes, readFloats: async (paths) => (await ask(file, paths)).values });
}
