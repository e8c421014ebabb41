// What the threads of the dataset stage say to each other. pool.ts is one end, worker.ts the other.

import type { WnnErrorParts } from '../errors.js';
import type { RunFigures } from './extractRun.js';
import type { Packet, PacketShape } from './packets.js';

/** Shared numbers of a worker, positions in an Int32Array. */
export const FREED = 0;
export const FRACTION = 1;
/** From here on, a ring with the numbers of the slots that were freed: `FREED` counts them. */
export const RING = 2;
/** `FRACTION` counts in these parts of one. */
export const FRACTION_UNIT = 1_000_000;

/** What a worker is started with. */
export interface WorkerSetup {
  shared: Int32Array;
  /** Memory of the packets, shared with the parent. */
  memory: SharedArrayBuffer;
  packet: PacketShape;
}

/** A packet without its columns: the slot tells where they are. */
export type PacketMessage = Pick<Packet, 'kind' | 'shard' | 'rows' | 'slot'>;

/** What a worker sends. */
export type WorkerMessage =
  | { type: 'packet'; index: number; packet: PacketMessage }
  | { type: 'done'; figures: RunFigures }
  | { type: 'failed'; index: number; error: unknown; parts: WnnErrorMessage | null };

/** A {@link WnnError} taken apart: classes do not survive the way between threads. */
export interface WnnErrorMessage extends Omit<WnnErrorParts, 'cause'> {
  /** Of its class. */
  name: string;
}
