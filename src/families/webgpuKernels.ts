// The fused WebGPU kernels by family.

import type { NetworkCompute } from '../network/compute.js';
import type { Network } from '../network/network.js';
import type { NowcasterSpec } from '../network/spec.js';

/** Opens fused kernels of a family on a WebGPU device. */
export type OpenWebgpuKernels = (spec: NowcasterSpec, network: Network, device: GPUDevice) => Promise<NetworkCompute>;

const KERNELS: Readonly<Record<string, () => Promise<OpenWebgpuKernels>>> = {
  wnn: async () => (await import('./wnn/webgpu/index.js')).createWebgpuCompute,
};

/** The fused WebGPU kernels of a family, or null when it has none. */
export async function loadWebgpuKernels(family: string): Promise<OpenWebgpuKernels | null> {
  return Object.hasOwn(KERNELS, family) ? KERNELS[family]() : null;
}
