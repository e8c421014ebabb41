// The fused kernels of layers that are slow as sequences of operations: batch and layer normalization, GELU and causal
// attention, each with its gradient.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import * as tf from '@tensorflow/tfjs-core';
import { FUSED_KERNELS } from '../fusedKernels.js';
import { addressOf, type WasmKernels, withScratch } from './kernels.js';

type Compute = (
  backend: BackendWasm,
  inputs: Record<string, tf.TensorInfo>,
  attributes: tf.NamedAttrMap,
) => tf.TensorInfo[];

function kernel(name: keyof typeof FUSED_KERNELS, compute: Compute): tf.KernelConfig {
  return {
    kernelName: FUSED_KERNELS[name],
    backendName: 'wasm',
    kernelFunc: ({ inputs, attrs, backend }) =>
      compute(backend as BackendWasm, inputs as Record<string, tf.TensorInfo>, attrs ?? {}),
  };
}

/** The sizes that the attention kernels take, in their order, and the steps in whole blocks of 16. */
function describeAttention({ shape }: tf.TensorInfo, heads: number) {
  const [batch, steps, width] = shape as [number, number, number];
  const size = width / 3 / heads;
  return { sizes: [batch, steps, heads, size] as const, batch, steps, size, padded: Math.ceil(steps / 16) * 16 };
}

/** The kernels, on the functions of src/engine/wasm/assembly. */
export function fusedKernels(kernels: WasmKernels): tf.KernelConfig[] {
  return [
    kernel('batchNorm', (backend, { x, gamma, beta }, { epsilon }) => {
      const columns = x.shape.at(-1) as number;
      const outputs = [x.shape, [columns], [columns]].map((shape) => backend.makeOutput(shape, 'float32'));
      const [from, scale, offset] = [x, gamma, beta].map((each) => addressOf(backend, each));
      const [y, mean, variance] = outputs.map((each) => addressOf(backend, each));
      const rows = tf.util.sizeFromShape(x.shape) / columns;
      kernels.batchNorm(from, scale, offset, y, mean, variance, rows, columns, epsilon as number);
      return outputs;
    }),
    kernel('batchNormGradient', (backend, { dy, x, gamma, mean, variance }, { epsilon }) => {
      const columns = x.shape.at(-1) as number;
      const outputs = [x.shape, [columns], [columns]].map((shape) => backend.makeOutput(shape, 'float32'));
      const known = [dy, x, gamma, mean, variance].map((each) => addressOf(backend, each));
      const made = outputs.map((each) => addressOf(backend, each));
      const rows = tf.util.sizeFromShape(x.shape) / columns;
      const [gradient, from, scale, means, variances] = known;
      const [dx, dgamma, dbeta] = made;
      kernels.batchNormGradient(
        gradient,
        from,
        scale,
        means,
        variances,
        dx,
        dgamma,
        dbeta,
        rows,
        columns,
        epsilon as number,
      );
      return outputs;
    }),
    kernel('layerNorm', (backend, { x, gamma, beta }, { epsilon }) => {
      const columns = x.shape.at(-1) as number;
      const rows = tf.util.sizeFromShape(x.shape) / columns;
      const y = backend.makeOutput(x.shape, 'float32');
      const statistics = backend.makeOutput([rows, 2], 'float32');
      const [from, scale, offset, to, kept] = [x, gamma, beta, y, statistics].map((each) => addressOf(backend, each));
      kernels.layerNorm(from, scale, offset, to, kept, rows, columns, epsilon as number);
      return [y, statistics];
    }),
    kernel('layerNormGradient', (backend, { dy, x, gamma, statistics }) => {
      const columns = x.shape.at(-1) as number;
      const rows = tf.util.sizeFromShape(x.shape) / columns;
      const outputs = [x.shape, [columns], [columns]].map((shape) => backend.makeOutput(shape, 'float32'));
      const [gradient, from, scale, kept] = [dy, x, gamma, statistics].map((each) => addressOf(backend, each));
      const [dx, dgamma, dbeta] = outputs.map((each) => addressOf(backend, each));
      kernels.layerNormGradient(gradient, from, scale, kept, dx, dgamma, dbeta, rows, columns);
      return outputs;
    }),
    kernel('gelu', (backend, { x }) => {
      const y = backend.makeOutput(x.shape, 'float32');
      kernels.gelu(addressOf(backend, x), addressOf(backend, y), tf.util.sizeFromShape(x.shape));
      return [y];
    }),
    kernel('geluGradient', (backend, { dy, x }) => {
      const dx = backend.makeOutput(x.shape, 'float32');
      const [gradient, from, to] = [dy, x, dx].map((each) => addressOf(backend, each));
      kernels.geluGradient(from, gradient, to, tf.util.sizeFromShape(x.shape));
      return [dx];
    }),
    kernel('causalAttention', (backend, { qkv }, { heads }) => {
      const { sizes, batch, steps, size, padded } = describeAttention(qkv, heads as number);
      const y = backend.makeOutput([batch, steps, size * (heads as number)], 'float32');
      const weights = backend.makeOutput([batch, heads as number, steps, steps], 'float32');
      withScratch(backend, [size * padded + padded], (scratch) => {
        const [from, to, kept] = [qkv, y, weights].map((each) => addressOf(backend, each));
        kernels.attention(from, to, kept, scratch, ...sizes);
      });
      return [y, weights];
    }),
    kernel('causalAttentionGradient', (backend, { dy, qkv, weights }, { heads }) => {
      const { sizes, steps, size, padded } = describeAttention(qkv, heads as number);
      const result = backend.makeOutput(qkv.shape, 'float32');
      withScratch(backend, [(size + steps) * padded], (scratch) => {
        const [gradient, from, kept, to] = [dy, qkv, weights, result].map((each) => addressOf(backend, each));
        kernels.attentionGradient(gradient, from, kept, to, scratch, ...sizes);
      });
      return [result];
    }),
  ];
}
