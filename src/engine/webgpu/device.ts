// The device of the webgpu engine, for kernels outside TensorFlow.js.

import * as tf from '@tensorflow/tfjs-core';
import { openEngine } from '../engine.js';

/**
 * Opens the webgpu engine and returns its device.
 *
 * @param adapter name of the GPU, or a part of it. Default: the system default.
 * @throws EngineUnavailableError as `openEngine` does.
 */
export async function openWebgpuDevice(adapter?: string): Promise<GPUDevice> {
  await openEngine('webgpu', { adapter });
  return (tf.backend() as tf.KernelBackend & { device: GPUDevice }).device;
}
