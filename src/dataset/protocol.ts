// What the threads of the dataset stage say to each other. pool.ts is one end, worker.ts the other.

import type { WnnErrorParts } from '../errors.js';
import type { RunFigures } from './extractRun.js';
import type { Packet } from './scatter.js';

/** Shared numbers of a worker, positions in an Int32Array. */
export const SENT = 0;
export const TAKEN = 1;
export const FRACTION = 2;
/** `FRACTION` counts in these parts of one. */
export const FRACTION_UNIT = 1_000_000;

/** What a worker is started with. */
export interface WorkerSetup {
  shared: Int32Array;
  /** Packets that may be under way. */
  window: number;
}

/** What a worker sends. */
export type WorkerMessage =
  | { type: 'packet'; index: number; packet: Packet }
  | { type: 'done'; figures: RunFigures }
  | { type: 'failed'; index: number; error: unknown; parts: WnnErrorMessage | null };

/** A {@link WnnError} taken apart: classes do not survive the way between threads. */
export interface WnnErrorMessage extends Omit<WnnErrorParts, 'cause'> {
  /** Of its class. */
  name: string;
}
