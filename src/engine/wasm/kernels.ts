// The toolkit's kernels for tfjs-backend-wasm: one WebAssembly module on the backend's memory, so that tensors are not
// copied.

import type { BackendWasm } from '@tensorflow/tfjs-backend-wasm';
import type { TensorInfo } from '@tensorflow/tfjs-core';
import { KERNELS_BASE64 } from './binary.generated.js';

/** The exports of src/engine/wasm/assembly. Addresses are in bytes, sizes in elements. */
export interface WasmKernels {
  attention(
    qkv: number,
    result: number,
    weights: number,
    scratch: number,
    batch: number,
    steps: number,
    heads: number,
    size: number,
  ): void;
  attentionGradient(
    dy: number,
    qkv: number,
    weights: number,
    result: number,
    scratch: number,
    batch: number,
    steps: number,
    heads: number,
    size: number,
  ): void;
  batchNorm(
    x: number,
    gamma: number,
    beta: number,
    y: number,
    mean: number,
    variance: number,
    rows: number,
    columns: number,
    epsilon: number,
  ): void;
  batchNormGradient(
    dy: number,
    x: number,
    gamma: number,
    mean: number,
    variance: number,
    dx: number,
    dgamma: number,
    dbeta: number,
    rows: number,
    columns: number,
    epsilon: number,
  ): void;
  depthwiseInputGradient(
    gradient: number,
    filter: number,
    result: number,
    images: number,
    height: number,
    width: number,
    channels: number,
    outHeight: number,
    outWidth: number,
    filterHeight: number,
    filterWidth: number,
    strideHeight: number,
    strideWidth: number,
    top: number,
    left: number,
  ): void;
  depthwiseFilterGradient(
    input: number,
    gradient: number,
    result: number,
    images: number,
    height: number,
    width: number,
    channels: number,
    outHeight: number,
    outWidth: number,
    filterHeight: number,
    filterWidth: number,
    strideHeight: number,
    strideWidth: number,
    top: number,
    left: number,
  ): void;
  filterGradient(
    input: number,
    gradient: number,
    result: number,
    framed: number,
    widened: number,
    sums: number,
    images: number,
    group: number,
    height: number,
    width: number,
    inChannels: number,
    outHeight: number,
    outWidth: number,
    outChannels: number,
    filterHeight: number,
    filterWidth: number,
    strideHeight: number,
    strideWidth: number,
    top: number,
    left: number,
    framedHeight: number,
    framedWidth: number,
  ): void;
  gelu(x: number, result: number, count: number): void;
  geluGradient(x: number, gradient: number, result: number, count: number): void;
  layerNorm(
    x: number,
    gamma: number,
    beta: number,
    y: number,
    statistics: number,
    rows: number,
    columns: number,
    epsilon: number,
  ): void;
  layerNormGradient(
    dy: number,
    x: number,
    gamma: number,
    statistics: number,
    dx: number,
    dgamma: number,
    dbeta: number,
    rows: number,
    columns: number,
  ): void;
  maxPoolGradient(
    input: number,
    gradient: number,
    result: number,
    images: number,
    height: number,
    width: number,
    channels: number,
    outHeight: number,
    outWidth: number,
    windowHeight: number,
    windowWidth: number,
    strideHeight: number,
    strideWidth: number,
    padTop: number,
    padLeft: number,
  ): void;
  sumRows(matrix: number, sums: number, rows: number, columns: number): void;
}

/** Starts the kernels on the memory of a backend. */
export async function startKernels(backend: BackendWasm): Promise<WasmKernels> {
  const binary = Uint8Array.from(atob(KERNELS_BASE64), (character) => character.charCodeAt(0));
  const { memory } = (backend.wasm as BackendWasm['wasm'] & { asm: { memory: WebAssembly.Memory } }).asm;
  const { instance } = await WebAssembly.instantiate(binary, { env: { memory } });
  return instance.exports as WebAssembly.Exports & WasmKernels;
}

/** Byte address of a tensor's values in the backend's memory. */
export function addressOf(backend: BackendWasm, tensor: TensorInfo): number {
  return backend.getMemoryOffset(tensor.dataId);
}

/** Calls `work` with the addresses of scratch memory of the given sizes (in floats), valid until it returns. */
export function withScratch<T>(backend: BackendWasm, sizes: number[], work: (...addresses: number[]) => T): T {
  const scratch = sizes.map((size) => backend.makeOutput([size], 'float32'));
  try {
    return work(...scratch.map((tensor) => addressOf(backend, tensor)));
  } finally {
    for (const tensor of scratch) backend.disposeData(tensor.dataId);
  }
}
