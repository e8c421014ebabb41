// Extracts all runs, several at a time on threads, and delivers their packets in the order of runs. The packets of a run
// are queued until all earlier runs are finished. The queue is bounded: a thread that fills it blocks.

import { MessageChannel, receiveMessageOnPort } from 'node:worker_threads';
import { ThreadPool } from '../jobs/threadPool.js';
import { extractRun, type RunStatistics, type RunTask } from './extractRun.js';
import { allocateSlots, type Packet, type PacketShape, type SlotMemory, SlotPool } from './packets.js';
import type { ThreadMessage, ThreadTask } from './thread.js';

/** Callbacks of {@link extractRuns}. All but `onAdvance` are called in the order of runs. */
export interface RunListeners {
  /** The packet's columns are valid until the call returns. */
  onPacket(index: number, packet: Packet): void;
  onRun(statistics: RunStatistics): void;
  /** Called from time to time with the run of each thread (its position, or null) and the fraction of it that is done. */
  onAdvance(workers: { index: number | null; fraction: number }[]): void;
}

/** Options of {@link extractRuns}. */
export interface ExtractOptions {
  /** 0 extracts in the calling thread. */
  threads: number;
  /** Packets that each thread may hold: more than the shards that one run fills at once. */
  slots: number;
  packet: PacketShape;
  signal?: AbortSignal;
}

const ADVANCE_INTERVAL_MS = 250;

/**
 * Extracts all runs.
 *
 * @throws the error of the first run that fails, or `signal.reason`; all threads are ended then.
 */
export async function extractRuns(
  tasks: readonly RunTask[],
  listeners: RunListeners,
  options: ExtractOptions,
): Promise<void> {
  options.signal?.throwIfAborted();
  return options.threads === 0 ? extractHere(tasks, listeners, options) : extractOnThreads(tasks, listeners, options);
}

async function extractHere(
  tasks: readonly RunTask[],
  { onPacket, onRun, onAdvance }: RunListeners,
  { slots, packet: shape, signal }: ExtractOptions,
): Promise<void> {
  const pool = new SlotPool(shape, allocateSlots(shape, slots));
  let shown = performance.now();
  for (const [index, task] of tasks.entries()) {
    const statistics = await extractRun(task, {
      pool,
      sink(packet) {
        onPacket(index, packet);
        pool.release(packet.slot);
      },
      onAdvance(fraction) {
        signal?.throwIfAborted();
        if (performance.now() - shown < ADVANCE_INTERVAL_MS) return;
        shown = performance.now();
        onAdvance([{ index, fraction }]);
      },
    });
    onRun(statistics);
    // Reading may stay in the microtask queue; signals arrive as macrotasks.
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}

/** Orders callbacks by run: those of the current run are called immediately, the others are queued. */
class RunOrder {
  #turn = 0;
  readonly #waiting = new Map<number, (() => void)[]>();
  readonly #ended = new Set<number>();

  add(index: number, call: () => void): void {
    const waiting = this.#waiting.get(index);
    if (index === this.#turn) call();
    else if (waiting) waiting.push(call);
    else this.#waiting.set(index, [call]);
  }

  /** Marks a run as complete. */
  end(index: number): void {
    this.#ended.add(index);
    while (this.#ended.delete(this.#turn)) {
      this.#turn++;
      for (const call of this.#waiting.get(this.#turn) ?? []) call();
      this.#waiting.delete(this.#turn);
    }
  }
}

/** One thread slot, with memory for the packets of its runs. */
interface Seat {
  index: number | null;
  fraction: number;
  memory: SlotMemory;
  pool: SlotPool;
}

async function extractOnThreads(
  tasks: readonly RunTask[],
  { onPacket, onRun, onAdvance }: RunListeners,
  { threads, slots, packet: shape, signal }: ExtractOptions,
): Promise<void> {
  const pool = new ThreadPool<ThreadTask, RunStatistics>(new URL('./thread.js', import.meta.url), threads);
  const order = new RunOrder();
  const seats = Array.from({ length: threads }, (): Seat => {
    const memory = allocateSlots(shape, slots);
    return { index: null, fraction: 0, memory, pool: new SlotPool(shape, memory) };
  });
  let next = 0;

  async function extract(index: number, seat: Seat, fail: (error: unknown) => void): Promise<void> {
    const { port1, port2 } = new MessageChannel();
    const receive = (message: ThreadMessage) => {
      if (typeof message === 'number') {
        seat.fraction = message;
        onAdvance(seats);
        return;
      }
      order.add(index, () => {
        onPacket(index, { ...message, ...seat.pool.at(message.slot) });
        seat.pool.release(message.slot);
      });
    };
    port1.on('message', (message: ThreadMessage) => {
      try {
        receive(message);
      } catch (error) {
        fail(error);
      }
    });
    try {
      const statistics = await pool.run({ task: tasks[index], memory: seat.memory, port: port2 }, [port2]);
      // The thread's messages have arrived, but some are still queued on the port.
      for (let sent = receiveMessageOnPort(port1); sent; sent = receiveMessageOnPort(port1)) receive(sent.message);
      order.add(index, () => onRun(statistics));
      order.end(index);
    } finally {
      port1.close();
    }
  }

  let onAbort = () => {};
  try {
    await new Promise<void>((resolve, reject) => {
      onAbort = () => reject(signal?.reason);
      signal?.addEventListener('abort', onAbort);
      const work = async (seat: Seat) => {
        while (next < tasks.length) {
          const index = next++;
          Object.assign(seat, { index, fraction: 0 });
          await extract(index, seat, reject);
        }
        seat.index = null;
      };
      Promise.all(seats.map(work)).then(() => resolve(), reject);
    });
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await pool.end();
  }
}
