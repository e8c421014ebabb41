// Works through all runs, several at once on worker threads, and hands on what they give in the order of runs: packets
// of a run wait until all runs before it are through. How much may wait is bounded; a worker that is ahead pauses.

import { Worker } from 'node:worker_threads';
import * as errors from '../errors.js';
import { extractRun, type RunFigures, type RunTask } from './extractRun.js';
import { type Packet, type PacketShape, type Slot, sliceSlots, slotBytes } from './packets.js';
import {
  FRACTION,
  FRACTION_UNIT,
  FREED,
  type PacketMessage,
  RING,
  type WnnErrorMessage,
  type WorkerMessage,
  type WorkerSetup,
} from './protocol.js';

/** What the pool tells; all calls come in the order of runs but `onAdvance`. */
export interface PoolListeners {
  /** The packet's columns hold until the call returns. */
  onPacket(index: number, packet: Packet): void;
  onRun(figures: RunFigures): void;
  /** Now and then: what each worker works on (position of the run, or null) and the share of that run that is done. */
  onAdvance(workers: { index: number | null; fraction: number }[]): void;
}

export interface PoolOptions {
  /** 0: all work in the calling thread. */
  threads: number;
  /** Packets that each worker may hold: more than the shards that one run fills at once. */
  slots: number;
  packet: PacketShape;
  signal?: AbortSignal;
}

/** Whether this module can start worker threads: they need JavaScript, which the sources under test are not. */
export const HAS_WORKERS = import.meta.url.endsWith('.js');

const ADVANCE_INTERVAL_MS = 250;

/**
 * Extracts all runs.
 *
 * @throws the error of the first run that fails, or `signal.reason`; all workers are ended then.
 */
export async function extractRuns(
  tasks: readonly RunTask[],
  listeners: PoolListeners,
  options: PoolOptions,
): Promise<void> {
  const { signal } = options;
  signal?.throwIfAborted();
  if (options.threads === 0) return extractHere(tasks, listeners, options);
  const pool = new Pool(tasks, listeners, options);
  const onAbort = () => pool.fail(signal?.reason);
  signal?.addEventListener('abort', onAbort);
  try {
    await pool.finished;
  } finally {
    signal?.removeEventListener('abort', onAbort);
    await pool.end();
  }
}

async function extractHere(
  tasks: readonly RunTask[],
  { onPacket, onRun, onAdvance }: PoolListeners,
  { slots, packet: shape, signal }: PoolOptions,
): Promise<void> {
  const all = sliceSlots(new ArrayBuffer(slots * slotBytes(shape)), shape);
  const free = [...all];
  let shown = performance.now();
  for (const task of tasks) {
    const figures = await extractRun(task, {
      pool: { acquire: () => free.pop() as Slot },
      sink(packet) {
        onPacket(task.index, packet);
        free.push(all[packet.slot]);
      },
      onAdvance(fraction) {
        signal?.throwIfAborted();
        if (performance.now() - shown < ADVANCE_INTERVAL_MS) return;
        shown = performance.now();
        onAdvance([{ index: task.index, fraction }]);
      },
    });
    onRun(figures);
    // Reading may never leave the microtask queue; a signal comes by the other one.
    await new Promise((resolve) => setImmediate(resolve));
    signal?.throwIfAborted();
  }
}

interface Member {
  worker: Worker;
  shared: Int32Array;
  slots: Slot[];
  /** Position of its run, null when it has none. */
  index: number | null;
}

/** What waits of a run that is ahead of its turn. */
interface Waiting {
  packets: { member: Member; packet: PacketMessage }[];
  figures: RunFigures | null;
}

class Pool {
  readonly finished: Promise<void>;
  readonly #tasks: readonly RunTask[];
  readonly #listeners: PoolListeners;
  readonly #members: Member[];
  readonly #waiting = new Map<number, Waiting>();
  readonly #timer: NodeJS.Timeout;
  /** The next run to give to a worker. */
  #next = 0;
  /** The run whose packets are handed on now. */
  #head = 0;
  #resolve!: () => void;
  #reject!: (error: unknown) => void;

  constructor(tasks: readonly RunTask[], listeners: PoolListeners, options: PoolOptions) {
    this.#tasks = tasks;
    this.#listeners = listeners;
    this.finished = new Promise((resolve, reject) => {
      this.#resolve = resolve;
      this.#reject = reject;
    });
    const threads = Math.min(options.threads, tasks.length);
    this.#members = Array.from({ length: threads }, () => this.#start(options));
    this.#timer = setInterval(() => this.#advance(), ADVANCE_INTERVAL_MS);
  }

  fail(error: unknown): void {
    this.#reject(error);
  }

  async end(): Promise<void> {
    clearInterval(this.#timer);
    await Promise.all(this.#members.map(({ worker }) => worker.terminate()));
  }

  #start({ slots: count, packet: shape }: PoolOptions): Member {
    const memory = new SharedArrayBuffer(count * slotBytes(shape));
    const slots = sliceSlots(memory, shape);
    const shared = new Int32Array(new SharedArrayBuffer(4 * (RING + count)));
    for (const { slot } of slots) shared[RING + slot] = slot;
    shared[FREED] = count;
    const setup: WorkerSetup = { shared, memory, packet: shape };
    const worker = new Worker(new URL('./worker.js', import.meta.url), { workerData: setup, execArgv: [] });
    const member: Member = { worker, shared, slots, index: null };
    worker.on('message', (message: WorkerMessage) => {
      try {
        this.#receive(member, message);
      } catch (error) {
        this.fail(error);
      }
    });
    worker.on('error', (error) => this.fail(error));
    worker.on('exit', (code) => this.fail(new Error(`dataset worker ended early with status ${code}`)));
    this.#assign(member);
    return member;
  }

  #assign(member: Member): void {
    member.index = this.#next < this.#tasks.length ? this.#next++ : null;
    if (member.index !== null) member.worker.postMessage(this.#tasks[member.index]);
  }

  #receive(member: Member, message: WorkerMessage): void {
    switch (message.type) {
      case 'packet':
        if (message.index === this.#head) this.#hand(member, message.packet);
        else this.#waitingOf(message.index).packets.push({ member, packet: message.packet });
        break;
      case 'done':
        this.#waitingOf(message.figures.index).figures = message.figures;
        this.#assign(member);
        this.#catchUp();
        break;
      case 'failed':
        this.fail(message.parts ? rebuildError(message.parts) : message.error);
        break;
      default:
        message satisfies never;
    }
  }

  #waitingOf(index: number): Waiting {
    let waiting = this.#waiting.get(index);
    if (waiting === undefined) {
      waiting = { packets: [], figures: null };
      this.#waiting.set(index, waiting);
    }
    return waiting;
  }

  #hand({ shared, slots }: Member, packet: PacketMessage): void {
    this.#listeners.onPacket(this.#head, { ...packet, ...slots[packet.slot] });
    const freed = Atomics.load(shared, FREED);
    shared[RING + (freed % slots.length)] = packet.slot;
    Atomics.store(shared, FREED, freed + 1);
    Atomics.notify(shared, FREED);
  }

  /** Hands on what waits, run by run, as far as runs are through. */
  #catchUp(): void {
    for (;;) {
      const waiting = this.#waiting.get(this.#head);
      if (waiting === undefined) return;
      for (const { member, packet } of waiting.packets) this.#hand(member, packet);
      waiting.packets = [];
      if (waiting.figures === null) return;
      this.#waiting.delete(this.#head);
      this.#listeners.onRun(waiting.figures);
      this.#head++;
      if (this.#head === this.#tasks.length) {
        this.#resolve();
        return;
      }
    }
  }

  #advance(): void {
    this.#listeners.onAdvance(
      this.#members.map(({ index, shared }) => ({ index, fraction: Atomics.load(shared, FRACTION) / FRACTION_UNIT })),
    );
  }
}

/** The error that a worker took apart. */
function rebuildError({ name, ...parts }: WnnErrorMessage): errors.WnnError {
  const kind = (errors as unknown as Record<string, typeof errors.WnnError | undefined>)[name] ?? errors.WnnError;
  return new kind(parts);
}
