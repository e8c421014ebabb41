// Packets, in which samples travel from the thread that cuts them to the one that writes them, and the memory that they
// live in: cut into equal slots once, so that nothing is allocated, cleared or collected while samples stream by.

import type { TrainedKind } from '../nowcaster/spec.js';

/** The columns of a packet; each has room for the rows of a full one. See `Samples` for their meaning. */
export interface PacketColumns {
  windows: Float32Array;
  targets: Float32Array;
  scales: Float32Array;
}

/** Memory of one packet. */
export interface Slot extends PacketColumns {
  /** Number of the slot in its pool. */
  slot: number;
}

/** Some samples of one run for one shard, in random order. */
export interface Packet extends Slot {
  kind: TrainedKind;
  /** Number of the shard within its kind and split. */
  shard: number;
  rows: number;
}

/** Where slots come from. Who gets a packet gives its slot back. */
export interface SlotPool {
  /** A free slot; waits for one where others are to give theirs back. */
  acquire(): Slot;
}

/** Length of windows, number of horizons, and rows of a full packet. */
export interface PacketShape {
  inputLength: number;
  horizons: number;
  rows: number;
}

/** Bytes of a slot. */
export function slotBytes({ inputLength, horizons, rows }: PacketShape): number {
  return 4 * rows * (inputLength + horizons + 1);
}

/** The slots that fit in some memory. */
export function sliceSlots(memory: ArrayBufferLike, shape: PacketShape): Slot[] {
  const { inputLength, horizons, rows } = shape;
  const size = slotBytes(shape);
  return Array.from({ length: Math.floor(memory.byteLength / size) }, (_, slot) => {
    const start = slot * size;
    const targets = start + 4 * rows * inputLength;
    return {
      slot,
      windows: new Float32Array(memory, start, rows * inputLength),
      targets: new Float32Array(memory, targets, rows * horizons),
      scales: new Float32Array(memory, targets + 4 * rows * horizons, rows),
    };
  });
}
