import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../src/engine/engine.js';
import { surveyAdapters } from '../../../src/engine/webgpu/adapters.js';
import { EngineUnavailableError } from '../../../src/errors.js';
import { webgpuAbsence } from './swiftShader.js';

describe.skipIf(webgpuAbsence !== null)('the webgpu engine', () => {
  it('opens an adapter by a part of its name and computes on it', async () => {
    const [adapter] = (await surveyAdapters()).adapters;
    const engine = await openEngine('webgpu', { adapter: adapter!.name.slice(0, 8).toUpperCase() });
    expect(engine.name).toBe('webgpu');
    expect(engine.description).toMatch(/^webgpu \(.+\)$/);
    expect(tf.getBackend()).toBe('webgpu');
    expect(Array.from(await tf.matMul([[1, 2]], [[3], [4]]).data())).toEqual([11]);
  });

  it('has the limits of the adapter, not the least that the standard asks for', async () => {
    await openEngine('webgpu');
    const { device } = tf.backend() as tf.KernelBackend & { device: GPUDevice };
    expect(device.limits.maxBufferSize).toBeGreaterThan(268_435_456);
  });

  it('names the adapters when asked for one that is not there', async () => {
    const error = await openEngine('webgpu', { adapter: 'abacus' }).catch((error: unknown) => error);
    expect(error).toBeInstanceOf(EngineUnavailableError);
    expect((error as Error).message).toMatch(/abacus; name one of: ./);
  });

  it('says that the GPU was lost, at the next computation and at a read that waits', async () => {
    await openEngine('webgpu');
    const { device } = tf.backend() as tf.KernelBackend & { device: GPUDevice };
    // Large enough not to be computed beside the GPU.
    const before = tf.ones([100_000]);
    await before.data();
    device.destroy();
    const waiting = tf.add(before, 1).data();
    await expect(waiting).rejects.toThrow(/GPU was lost .*; start the command again/);
    expect(() => tf.add(before, 1)).toThrow(EngineUnavailableError);
  });
});
