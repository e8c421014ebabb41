// What passes between reader.ts and the thread that takes HDF5 files apart (worker.ts).

import type { FloatType } from '../formats/floats.js';

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

/** The thread has one file open at a time. */
export type H5Request = { open: Uint8Array } | { read: readonly string[] } | { close: true };

/** What the thread found; first of all, that the library is loaded. `poisoned`: it must not be used again. */
export type H5Reply =
  | { started: true }
  | { nodes: H5Node[] }
  | { values: Float32Array[] }
  | { closed: true }
  | { problem: string; poisoned: boolean };
