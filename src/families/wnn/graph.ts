// The graph of the paper's network. Its dense layers are in the order of the published h5 files: in, code, exp, mul, add,
// out, each for the values and then for the differences; the head is last.

import type { DenseOperation, Graph, Operation } from '../../network/graph.js';
import type { NowcasterSpec } from '../../network/spec.js';

/** Width of a stream's first layer and of its activation. */
export const FEATURES = 64;
/** Width of the code that the activation network computes from the features. */
export const CODE = 8;
/** Width of a stream's output. */
export const STREAM_OUTPUTS = 32;
/** Slope of the stream output's leaky relu below zero. */
export const LEAK = 0.3;
/** Scale of the initial kernels of a stream's first and last layer. */
const SMALL_SCALE = 0.1;

/** The two streams of the network. */
export type Stream = 'values' | 'differences';

/** Variants of the paper's ablations. */
export type WnnConfig = {
  /** `both`: a stream of values and one of differences; `values`: the first only. */
  streams: 'both' | 'values';
  /** `network`: the learned activation; `relu`: relu in its place. */
  activation: 'network' | 'relu';
};

/** The streams of a spec, in the order of the files. */
export function streamsOf({ config }: Pick<NowcasterSpec, 'config'>): Stream[] {
  return config.streams === 'both' ? ['values', 'differences'] : ['values'];
}

/** A stream's first or last layer. */
function outerLayer(name: string, of: string, units: number): DenseOperation {
  return { op: 'dense', name, of, units, initializer: SMALL_SCALE, penalized: true };
}

/** The network of a spec. */
export function wnnGraph(spec: NowcasterSpec): Graph {
  const streams = streamsOf(spec);
  const each = (build: (stream: Stream) => Operation) => streams.map(build);
  const inputs: Operation[] = [{ op: 'input', name: 'values', input: 'window' }];
  if (streams.length === 2) inputs.push({ op: 'differences', name: 'differences', of: 'values' });
  const activation: Operation[] =
    spec.config.activation === 'relu'
      ? each((s) => ({ op: 'relu', name: `${s}_activated`, of: `${s}_in` }))
      : [
          ...each((s) => ({ op: 'dense', name: `${s}_code`, of: `${s}_in`, units: CODE, activation: 'relu' })),
          ...each((s) => ({ op: 'dense', name: `${s}_exp`, of: `${s}_code`, units: FEATURES })),
          ...each((s) => ({ op: 'multiply', name: `${s}_exponents`, of: [`${s}_exp`, `${s}_in`] })),
          ...each((s) => ({ op: 'exp', name: `${s}_powers`, of: `${s}_exponents` })),
          ...each((s) => ({ op: 'dense', name: `${s}_mul`, of: `${s}_code`, units: FEATURES })),
          ...each((s) => ({ op: 'multiply', name: `${s}_scaled`, of: [`${s}_mul`, `${s}_powers`] })),
          ...each((s) => ({ op: 'dense', name: `${s}_add`, of: `${s}_code`, units: FEATURES })),
          ...each((s) => ({ op: 'add', name: `${s}_activated`, of: [`${s}_scaled`, `${s}_add`] })),
        ];
  const joined: Operation[] =
    streams.length === 2 ? [{ op: 'concat', name: 'streams', of: streams.map((s) => `${s}_leaky`) }] : [];
  return [
    ...inputs,
    ...each((s) => outerLayer(`${s}_in`, s, FEATURES)),
    ...activation,
    ...each((s) => outerLayer(`${s}_out`, `${s}_activated`, STREAM_OUTPUTS)),
    ...each((s) => ({ op: 'leakyRelu', name: `${s}_leaky`, of: `${s}_out`, slope: LEAK })),
    ...joined,
    {
      op: 'dense',
      name: 'head',
      of: streams.length === 2 ? 'streams' : 'values_leaky',
      units: spec.horizons.length,
      activation: 'tanh',
    },
  ];
}
