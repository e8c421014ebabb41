// Packets, in which samples travel from where they are cut to where they are written, and the memory that they live in: cut
// into equal slots once, so that nothing is allocated, cleared or collected while samples stream by.

import type { InputColumns } from '../network/network.js';
import type { TrainedKind } from '../nowcaster/spec.js';

/** Memory of one packet. */
export interface Slot {
  /** Number of the slot in its pool. */
  slot: number;
  /** Samples one after the other: window, further inputs, targets, scale. See `Samples` for their meaning. */
  samples: Float32Array;
}

/** Some samples of one run for one shard, in the order in which they were cut. */
export interface Packet extends Slot {
  kind: TrainedKind;
  /** Number of the shard within its kind and split. */
  shard: number;
  rows: number;
}

/** What the samples of packets consist of, and the rows of a full packet. */
export interface PacketShape {
  inputLength: number;
  /** Inputs of samples besides the window. */
  inputs: readonly InputColumns[];
  horizons: number;
  rows: number;
}

/** Values of the inputs besides the window, of one sample. */
export function furtherWidth(inputs: readonly InputColumns[]): number {
  return inputs.reduce((sum, { width }) => sum + width, 0);
}

/** Values of one sample. */
export function sampleWidth({ inputLength, inputs, horizons }: PacketShape): number {
  return inputLength + furtherWidth(inputs) + horizons + 1;
}

/** Bytes of a slot. */
export function slotBytes(shape: PacketShape): number {
  return 4 * shape.rows * sampleWidth(shape);
}

/** Memory of slots that two threads share. Passes through messages as it is. */
export interface SlotMemory {
  samples: SharedArrayBuffer;
  /** How often a slot was given back, then for each slot whether it is taken. */
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

/** Slots, as one of the threads that share them sees them: one fills packets, one works them off. */
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

  /** Takes a free slot; waits, blocking the thread, for the other one to give one back where there is none. */
  acquire(): Slot {
    const state = this.#state;
    for (;;) {
      const releases = Atomics.load(state, RELEASES);
      // From the first on, so that slots that are not needed stay untouched.
      const at = state.indexOf(0, FIRST_SLOT);
      if (at >= 0) {
        Atomics.store(state, at, 1);
        return this.#slots[at - FIRST_SLOT];
      }
      Atomics.wait(state, RELEASES, releases);
    }
  }

  /** The slot of a packet that the other thread has filled. */
  at(slot: number): Slot {
    return this.#slots[slot];
  }

  /** Gives a slot back. */
  release(slot: number): void {
    Atomics.store(this.#state, FIRST_SLOT + slot, 0);
    Atomics.add(this.#state, RELEASES, 1);
    Atomics.notify(this.#state, RELEASES);
  }
}
