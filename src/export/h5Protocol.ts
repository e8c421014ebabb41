// What passes between h5Read.ts and the thread that takes HDF5 files apart.

/** One array of a layer, as float32 whatever it was stored as. */
export interface H5Array {
  name: string;
  shape: number[];
  values: Float32Array;
}

/** One layer of a Keras weight file, in the order of the file. Layers without weights have no arrays. */
export interface H5Layer {
  name: string;
  arrays: H5Array[];
}

/** The bytes of a whole file. */
export interface H5Request {
  bytes: Uint8Array;
}

/** The layers of the file, or what is wrong with it. `poisoned`: the thread must not be used again. */
export type H5Reply = { layers: H5Layer[] } | { problem: string; poisoned: boolean };
