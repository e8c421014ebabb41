// The sizes that the shaders are generated for: samples per workgroup, and the offsets of each layer in the parameter
// buffer. shader.ts writes the text, pack.ts the numbers.

import type { Network } from '../../../network/network.js';
import type { NowcasterSpec } from '../../../network/spec.js';
import { CODE, FEATURES, STREAM_OUTPUTS, streamsOf } from '../graph.js';

/** Horizons whose outputs a workgroup computes at once. */
export const HORIZONS_AT_ONCE = 4;
/** Threads that share the outputs of one sample, each with four of them, times the samples that they take. */
export const SAMPLE_GROUPS = 8;

/** Samples of a block, and those of one part of the backward pass through the code, by decreasing memory. */
const BLOCKS = [
  [16, 8],
  [8, 8],
  [8, 4],
  [8, 2],
] as const;

/** Maximum workgroup memory: beyond it, fewer workgroups fit on a GPU core. */
const MOST_MEMORY = 32_768;

/** Offsets of the packed numbers, in vectors of four. A stream's numbers of one layer are contiguous. */
export interface PackedLayout {
  /** [streams, FEATURES, quads]: a feature's weights, zeros behind them. */
  in: number;
  /** [streams, FEATURES]: biases of in, exp, mul and add. */
  biases: number;
  /** [streams, 4 quads, 2]: in times code, for the codes straight from the inputs. */
  fold: number;
  /** [streams, 2]. */
  foldBias: number;
  /** [mul, exp, add][streams, FEATURES, 2]: a feature's weights on the codes. */
  gates: number;
  /** [streams, FEATURES, 2]. */
  code: number;
  /** [streams, FEATURES, 8]. */
  out: number;
  /** [streams, 8]. */
  outBias: number;
  /** [horizons, streams, 8]. */
  head: number;
  /** [horizons], padded. */
  headBias: number;
  /** Length in vectors. */
  size: number;
}

/** Sizes of the shaders of a spec on a device. */
export interface KernelPlan {
  spec: NowcasterSpec;
  network: Network;
  /** 1 or 2. */
  streams: number;
  /** Threads of a workgroup: one per feature of a stream. */
  threads: number;
  /** Vectors of four that hold a stream's inputs. */
  quads: number;
  /** Vectors of four that hold the outputs of the streams. */
  outQuads: number;
  /** Samples of a block. */
  samples: number;
  /** Samples of a block that go back through the code at once. */
  part: number;
  packed: PackedLayout;
}

function layOutPacked(spec: NowcasterSpec, streams: number, quads: number): PackedLayout {
  let size = 0;
  const place = (vectors: number) => {
    const at = size;
    size += vectors;
    return at;
  };
  const codes = CODE / 4;
  const outs = STREAM_OUTPUTS / 4;
  return {
    in: place(streams * FEATURES * quads),
    biases: place(streams * FEATURES),
    fold: place(streams * 4 * quads * codes),
    foldBias: place(streams * codes),
    gates: place(3 * streams * FEATURES * codes),
    code: place(streams * FEATURES * codes),
    out: place(streams * FEATURES * outs),
    outBias: place(streams * outs),
    head: place(spec.horizons.length * streams * outs),
    headBias: place(Math.ceil(spec.horizons.length / 4)),
    size,
  };
}

/** Floats of the scratch workgroup memory. */
export function scratchSize({ samples, part, threads, outQuads, spec }: Omit<KernelPlan, 'packed'>): number {
  const outputs = samples * Math.min(spec.horizons.length, HORIZONS_AT_ONCE) * outQuads;
  return Math.max(outputs, threads, spec.config.activation === 'network' ? 3 * part * threads : 0);
}

/** Bytes of workgroup memory of the training shader, the larger one. */
export function memoryOf(plan: Omit<KernelPlan, 'packed'>): number {
  const { spec, streams, threads, quads, outQuads, samples, part } = plan;
  const perSample = 4 * streams * quads + streams * CODE + threads + 4 * outQuads + spec.horizons.length;
  return 4 * (samples * perSample + scratchSize(plan) + 4 * threads + part * streams * CODE);
}

/**
 * Plans the shaders of a spec.
 *
 * @param memory bytes of workgroup memory of the device; WebGPU guarantees at least 16,384.
 */
export function planKernels(spec: NowcasterSpec, network: Network, memory: number): KernelPlan {
  const streams = streamsOf(spec).length;
  const quads = Math.ceil(spec.inputLength / 4);
  const sizes = {
    spec,
    network,
    streams,
    threads: streams * FEATURES,
    quads,
    outQuads: (streams * STREAM_OUTPUTS) / 4,
  };
  const plans = BLOCKS.map(([samples, part]) => ({ ...sizes, samples, part }));
  const plan = plans.find((candidate) => memoryOf(candidate) <= Math.min(memory, MOST_MEMORY)) ?? plans.at(-1)!;
  return { ...plan, packed: layOutPacked(spec, streams, quads) };
}
