// Packets carry samples from extraction to the shard writer. Their memory is divided into equal slots once, so that
// nothing is allocated, cleared or garbage-collected while samples are processed.

import type { InputColumns } from '../network/network.js';
import type { TrainedKind } from '../nowcaster/spec.js';

/** The memory of one packet. */
export interface Slot {
  /** Number of the slot in its pool. */
  slot: number;
  /** Samples, row by row: window, further inputs, targets, scale. See `Samples` for their meaning. */
  samples: Float32Array;
}

/** Samples of one run for one shard, in the order of extraction. */
export interface Packet extends Slot {
  kind: TrainedKind;
  /** Number of the shard within its kind and split. */
  shard: number;
  rows: number;
}

/** The columns of the samples, and the rows of a full packet. */
export interface PacketShape {
  inputLength: number;
  /** Inputs other than the window. */
  inputs: readonly InputColumns[];
  horizons: number;
  rows: number;
}

/** Values per sample of the inputs other than the window. */
export function furtherWidth(inputs: readonly InputColumns[]): number {
  return inputs.reduce((sum, { width }) => sum + width, 0);
}

/** Values per sample. */
export function sampleWidth({ inputLength, inputs, horizons }: PacketShape): number {
  return inputLength + furtherWidth(inputs) + horizons + 1;
}

/** Bytes of a slot. */
export function slotBytes(shape: PacketShape): number {
  return 4 * shape.rows * sampleWidth(shape);
}

/** The slots that two threads share. Can be posted in messages. */
export interface SlotMemory {
  samples: SharedArrayBuffer;
  /** The number of releases, then for each slot whether it is in use. */
  state: Int32Array<SharedArrayBuffer>;
}

const RELEASES = 0;
const FIRST_SLOT = 1;

/** Allocates `count` slots, all free. */
export function allocateSlots(shape: PacketShape, count: number): SlotMemory {
  return {
    samples: new SharedArrayBuffer(count * slotBytes(shape)),
    state: new Int32Array(new SharedArrayBuffer(4 * (FIRST_SLOT + count))),
  };
}

/** One thread's view of the shared slots: the producer fills packets, the consumer releases them. */
export class SlotPool {
  readonly #slots: Slot[];
  readonly #state: Int32Array<SharedArrayBuffer>;

  constructor(shape: PacketShape, { samples, state }: SlotMemory) {
    const size = slotBytes(shape);
    this.#state = state;
    this.#slots = Array.from({ length: state.length - FIRST_SLOT }, (_, slot) => ({
      slot,
      samples: new Float32Array(samples, slot * size, size / 4),
    }));
  }

  /** Takes a free slot. Blocks the thread until one is released when all are in use. */
  acquire(): Slot {
    const state = this.#state;
    for (;;) {
      const releases = Atomics.load(state, RELEASES);
      // Lowest slot first, so that unneeded slots are never touched.
      const at = state.indexOf(0, FIRST_SLOT);
      if (at >= 0) {
        Atomics.store(state, at, 1);
        return this.#slots[at - FIRST_SLOT];
      }
      Atomics.wait(state, RELEASES, releases);
    }
  }

  /** The slot of that number, filled by the other thread. */
  at(slot: number): Slot {
    return this.#slots[slot];
  }

  /** Releases a slot. */
  release(slot: number): void {
    Atomics.store(this.#state, FIRST_SLOT + slot, 0);
    Atomics.add(this.#state, RELEASES, 1);
    Atomics.notify(this.#state, RELEASES);
  }
}
