// The device of the webgpu engine, for what computes on it beside TensorFlow.js.

import * as tf from '@tensorflow/tfjs-core';
import { openEngine } from '../engine.js';

/**
 * Opens the webgpu engine and hands out its device.
 *
 * @param adapter name of the GPU, or a part of it. Default: the one that the system prefers.
 * @throws EngineUnavailableError as `openEngine` does.
 */
export async function openWebgpuDevice(adapter?: string): Promise<GPUDevice> {
  await openEngine('webgpu', { adapter });
  return (tf.backend() as unknown as { device: GPUDevice }).device;
}
