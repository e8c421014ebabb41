// Reorders flat parameters for the shaders.

import type { DenseLayer } from '../../../network/network.js';
import { CODE, FEATURES, STREAM_OUTPUTS, type Stream, streamsOf } from '../graph.js';
import type { KernelPlan } from './plan.js';

/** The layers whose biases are stored together, and those that read the codes. */
const BIASED = ['in', 'exp', 'mul', 'add'] as const;
const GATES = ['mul', 'exp', 'add'] as const;

/** Creates a function that packs parameters of the plan's spec into an array that the next call overwrites. */
export function makePacker({
  spec,
  network,
  quads,
  streams,
  packed,
}: KernelPlan): (parameters: Float32Array) => Float32Array {
  const layers = new Map(network.layers.map((layer) => [layer.name, layer]));
  const out = new Float32Array(4 * packed.size);
  const isNetwork = spec.config.activation === 'network';
  const horizons = spec.horizons.length;
  const outputs = streams * STREAM_OUTPUTS;
  const fold = new Float64Array(CODE);

  /** Codes straight from the inputs: code(in(x)) = x (in code) + (bias code + bias). */
  function packFold(parameters: Float32Array, s: number, inner: DenseLayer, code: DenseLayer): void {
    for (let l = 0; l <= inner.inputs; l++) {
      const isBias = l === inner.inputs;
      const row = isBias ? inner.bias : inner.kernel + l * FEATURES;
      for (let i = 0; i < CODE; i++) fold[i] = isBias ? parameters[code.bias + i] : 0;
      for (let j = 0; j < FEATURES; j++)
        for (let i = 0; i < CODE; i++) fold[i] += parameters[row + j] * parameters[code.kernel + j * CODE + i];
      out.set(fold, isBias ? 4 * packed.foldBias + s * CODE : 4 * packed.fold + (s * 4 * quads + l) * CODE);
    }
  }

  function packStream(parameters: Float32Array, s: number, stream: Stream): void {
    const layerOf = (role: string) => layers.get(`${stream}_${role}`)!;
    const inner = layerOf('in');
    for (let j = 0; j < FEATURES; j++) {
      const at = s * FEATURES + j;
      for (let l = 0; l < inner.inputs; l++)
        out[4 * (packed.in + at * quads) + l] = parameters[inner.kernel + l * FEATURES + j];
      BIASED.forEach((role, r) => {
        if (r === 0 || isNetwork) out[4 * (packed.biases + at) + r] = parameters[layerOf(role).bias + j];
      });
    }
    const outer = layerOf('out');
    out.set(parameters.subarray(outer.kernel, outer.bias), 4 * packed.out + s * FEATURES * STREAM_OUTPUTS);
    out.set(parameters.subarray(outer.bias, outer.bias + STREAM_OUTPUTS), 4 * packed.outBias + s * STREAM_OUTPUTS);
    if (!isNetwork) return;
    const code = layerOf('code');
    packFold(parameters, s, inner, code);
    out.set(parameters.subarray(code.kernel, code.bias), 4 * packed.code + s * FEATURES * CODE);
    GATES.forEach((role, m) => {
      const { kernel } = layerOf(role);
      const to = 4 * packed.gates + (m * streams + s) * FEATURES * CODE;
      for (let j = 0; j < FEATURES; j++)
        for (let i = 0; i < CODE; i++) out[to + j * CODE + i] = parameters[kernel + i * FEATURES + j];
    });
  }

  return (parameters) => {
    streamsOf(spec).forEach((stream, s) => {
      packStream(parameters, s, stream);
    });
    const head = layers.get('head')!;
    for (let h = 0; h < horizons; h++) {
      for (let k = 0; k < outputs; k++)
        out[4 * packed.head + h * outputs + k] = parameters[head.kernel + k * horizons + h];
      out[4 * packed.headBias + h] = parameters[head.bias + h];
    }
    return out;
  };
}
