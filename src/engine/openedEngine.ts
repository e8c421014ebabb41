// What the engines are called, and what is known of one that is open.

/** The engines. */
export const ENGINE_NAMES = ['tensorflow', 'wasm', 'webgpu'] as const;

/** Name of a compute engine. */
export type EngineName = (typeof ENGINE_NAMES)[number];

/** An open engine. It is the TensorFlow.js backend of this process from then on. */
export interface Engine {
  name: EngineName;
  /** For people: `wasm (SIMD, 1 thread)`. */
  description: string;
  /** Version of the library that computes: TensorFlow.js for wasm and webgpu, TensorFlow for tensorflow. */
  version: string;
  /** The GPUs that it can use, by name; for webgpu, what `adapter` may name. */
  devices: string[];
  /** Whether it computes on a GPU; for webgpu also where the GPU is imitated in software. */
  usesGpu: boolean;
}
