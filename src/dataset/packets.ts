// Packets, in which samples travel from the thread that cuts them to the one that writes them, and the memory that they
// live in: cut into equal slots once, so that nothing is allocated, cleared or collected while samples stream by.

import type { TrainedKind } from '../nowcaster/spec.js';

/** Memory of one packet. */
export interface Slot {
  /** Number of the slot in its pool. */
  slot: number;
  /** Samples one after the other: window, targets, scale. See `Samples` for their meaning. */
  samples: Float32Array;
}

/** Some samples of one run for one shard, in the order in which they were cut. */
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

/** Numbers of one sample. */
export function sampleWidth({ inputLength, horizons }: Pick<PacketShape, 'inputLength' | 'horizons'>): number {
  return inputLength + horizons + 1;
}

/** Bytes of a slot. */
export function slotBytes(shape: PacketShape): number {
  return 4 * shape.rows * sampleWidth(shape);
}

/** The slots that fit in some memory. */
export function sliceSlots(memory: ArrayBufferLike, shape: PacketShape): Slot[] {
  const size = slotBytes(shape);
  return Array.from({ length: Math.floor(memory.byteLength / size) }, (_, slot) => ({
    slot,
    samples: new Float32Array(memory, slot * size, size / 4),
  }));
}
