// Reads HDF5 files: what they hold, and their arrays of floats. The HDF5 library works in a thread (worker.ts), so that
// no file can crash or stall the process. Knows nothing of what the files mean.

import { Worker } from 'node:worker_threads';
import type { H5Node, H5Reply, H5Request } from './protocol.js';

export type { H5Node };

/** What is wrong with a file, for people: its reader knows the file's name and adds it. */
export class H5Problem extends Error {}

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

/** Time that a request may take, and more for each byte of the file. A corrupt file may never come to an end. */
const TIME_LIMIT_MS = 5_000;
const TIME_LIMIT_MS_PER_BYTE = 1 / 20_000;

/** Time for the library to load, which no file has a part in. */
const START_LIMIT_MS = 60_000;

/** Threads at rest, for the next file: starting one costs as much as reading hundreds of small files. */
const resting: Worker[] = [];

async function startWorker(): Promise<Worker> {
  // Under vitest this module is TypeScript and the thread's code is only in the build.
  const folder = import.meta.url.endsWith('.ts') ? '../../dist/hdf5/' : './';
  const worker = new Worker(new URL(`${folder}worker.js`, import.meta.url));
  // A thread that ends while it rests must neither end the process nor be used again.
  worker.on('error', () => {});
  worker.on('exit', () => {
    const index = resting.indexOf(worker);
    if (index >= 0) resting.splice(index, 1);
  });
  const reply = await ask(worker, null, START_LIMIT_MS);
  if ('started' in reply) return worker;
  await worker.terminate();
  throw new Error('the thread that reads HDF5 does not start');
}

/** Sends a request, or none, and waits for the thread's next message. */
function ask(worker: Worker, request: H5Request | null, limit: number): Promise<H5Reply> {
  worker.ref();
  return new Promise((resolve) => {
    const settle = (outcome: H5Reply) => {
      clearTimeout(timer);
      worker.off('message', settle).off('error', fail).off('exit', fail);
      resolve(outcome);
    };
    const fail = () => settle({ problem: 'the HDF5 library cannot read it', poisoned: true });
    const timer = setTimeout(
      () => settle({ problem: 'the HDF5 library does not come to an end', poisoned: true }),
      limit,
    );
    worker.on('message', settle).on('error', fail).on('exit', fail);
    if (request !== null) worker.postMessage(request, 'open' in request ? [request.open.buffer as ArrayBuffer] : []);
  });
}

/**
 * Opens a file, has `use` read from it, and closes it.
 *
 * @param bytes the whole file; copied to the thread.
 * @param use may call `readFloats` as long as its promise is pending, one call at a time.
 * @throws {@link H5Problem} when the file cannot be read, does not hold what is read, or claims more than it has.
 */
export async function readH5File<T>(bytes: Uint8Array, use: (content: H5Content) => Promise<T>): Promise<T> {
  const worker = resting.pop() ?? (await startWorker());
  let usable = true;
  const limit = TIME_LIMIT_MS + bytes.length * TIME_LIMIT_MS_PER_BYTE;
  const request = async (what: H5Request): Promise<Exclude<H5Reply, { problem: string }>> => {
    if (!usable) throw new H5Problem('the HDF5 library cannot read it');
    const reply = await ask(worker, what, limit);
    if (!('problem' in reply)) return reply;
    if (reply.poisoned) usable = false;
    throw new H5Problem(reply.problem);
  };
  try {
    const { nodes } = (await request({ open: new Uint8Array(bytes) })) as { nodes: H5Node[] };
    return await use({
      nodes,
      readFloats: async (paths) => ((await request({ read: paths })) as { values: Float32Array[] }).values,
    });
  } finally {
    if (usable) await request({ close: true }).catch(() => {});
    if (usable) {
      worker.unref();
      resting.push(worker);
    } else await worker.terminate();
  }
}
