// What passes between reader.ts and the thread that takes HDF5 files apart (thread.ts).

import type { MessagePort } from 'node:worker_threads';
import type { FloatType } from '../formats/floats.js';

/** What is wrong with a file, for people: its reader knows the file's name and adds it. */
export class H5Problem extends Error {
  override readonly name = 'H5Problem';
}

/** A group or dataset of a file. */
export interface H5Node {
  /** From the root, beginning with `/`; the root itself is `/`. */
  path: string;
  /** Null for groups. */
  dataset: {
    /** As stored: row-major, the last axis varies fastest. */
    shape: number[];
    /** Its floats, `whole` for what is no float, or what its type is called that is not read. */
    type: FloatType | 'whole' | { unreadable: string };
  } | null;
  /** Attributes that are strings or lists of strings, and empty ones of any type. Null: of another type, or huge. */
  attributes: Record<string, string[] | null>;
}

/** What is to be done with a file. */
export interface H5Request {
  /** The whole file, in memory that the thread shares. */
  file: Uint8Array<SharedArrayBuffer>;
  /** Datasets of floats to read; null lists what the file holds. */
  paths: readonly string[] | null;
  /** Told when the thread begins. */
  begun: MessagePort;
}

/** What was asked for; one of the two. */
export interface H5Reply {
  nodes: H5Node[];
  values: Float32Array[];
}
