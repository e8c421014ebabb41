// Which dense layers a nowcaster network has, and where each one's numbers stand in the one flat array that holds
// them all. The order is that of the published h5 files: in, in, c, c, E, E, G, G, T, T, out, out, head.

import type { WnnSpec } from './spec.js';

/** Width of a stream's first layer and of its activation. */
export const FEATURES = 64;
/** Width of the code that the activation network computes from the features. */
export const CODE = 8;
/** Width of a stream's output. */
export const STREAM_OUTPUTS = 32;
/** Slope of the stream output's leaky relu below zero. */
export const LEAK = 0.3;

/** The two streams of the network. */
export type Stream = 'values' | 'differences';

/** What a dense layer of the network does; `head` is shared by the streams. */
export type LayerRole = 'in' | 'code' | 'exp' | 'mul' | 'add' | 'out' | 'head';

/** One dense layer: its size, its start and where its numbers stand in the flat array. */
export interface LayerLayout {
  /** Unique name: `values_in`, `differences_code`, `head`, ... */
  name: string;
  role: LayerRole;
  /** `null` for the head. */
  stream: Stream | null;
  inputs: number;
  units: number;
  /** First index of the kernel, [inputs, units] row-major. */
  kernel: number;
  /** First index of the bias, [units]. */
  bias: number;
  /** Whether the L1 penalties (1e-6 on the kernel, 0.1 on the bias) and the small uniform start apply: `in` and `out`. */
  penalized: boolean;
}

/** The layers of a network in the order of the files, and the length of its flat array. */
export interface WnnLayout {
  layers: LayerLayout[];
  /** Number of parameters: 9,425 for the paper's spec. */
  size: number;
}

const ROLES: Record<WnnSpec['activation'], Exclude<LayerRole, 'head'>[]> = {
  network: ['in', 'code', 'exp', 'mul', 'add', 'out'],
  relu: ['in', 'out'],
};

/** The streams of a spec, in the order of the files. */
export function streamsOf(spec: WnnSpec): Stream[] {
  return spec.streams === 'both' ? ['values', 'differences'] : ['values'];
}

/** Inputs of a stream: L values, or their L - 1 differences. */
export function streamInputs(spec: WnnSpec, stream: Stream): number {
  return stream === 'values' ? spec.inputLength : spec.inputLength - 1;
}

function sizeOf(spec: WnnSpec, role: Exclude<LayerRole, 'head'>, stream: Stream): [inputs: number, units: number] {
  switch (role) {
    case 'in':
      return [streamInputs(spec, stream), FEATURES];
    case 'code':
      return [FEATURES, CODE];
    case 'exp':
    case 'mul':
    case 'add':
      return [CODE, FEATURES];
    case 'out':
      return [FEATURES, STREAM_OUTPUTS];
    default:
      return role satisfies never;
  }
}

/** Lays out the network of a spec. */
export function layoutOf(spec: WnnSpec): WnnLayout {
  const layers: LayerLayout[] = [];
  let size = 0;
  const push = (role: LayerRole, stream: Stream | null, inputs: number, units: number) => {
    const kernel = size;
    const bias = kernel + inputs * units;
    size = bias + units;
    const name = stream === null ? role : `${stream}_${role}`;
    layers.push({ name, role, stream, inputs, units, kernel, bias, penalized: role === 'in' || role === 'out' });
  };
  const streams = streamsOf(spec);
  for (const role of ROLES[spec.activation])
    for (const stream of streams) push(role, stream, ...sizeOf(spec, role, stream));
  push('head', null, STREAM_OUTPUTS * streams.length, spec.horizons.length);
  return { layers, size };
}
