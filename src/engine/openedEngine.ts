// The names of the engines, and the description of an open one.

/** The engines. */
export const ENGINE_NAMES = ['tensorflow', 'wasm', 'webgpu'] as const;

/** Name of a compute engine. */
export type EngineName = (typeof ENGINE_NAMES)[number];

/** An open engine. It is the TensorFlow.js backend of this process from then on. */
export interface Engine {
  name: EngineName;
  /** Human-readable: `wasm (SIMD, 1 thread)`. */
  description: string;
  /** Version of the library that computes: TensorFlow.js for wasm and webgpu, TensorFlow for tensorflow. */
  version: string;
  /** Names of the GPUs that it can use; for webgpu, the values of `adapter`. */
  devices: string[];
  /** Whether it computes on a GPU; for webgpu also true for a software adapter. */
  usesGpu: boolean;
}
