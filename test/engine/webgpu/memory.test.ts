import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../../src/engine/engine.js';
import { OutOfMemoryError } from '../../../src/errors.js';
import { webgpuAbsence } from './swiftShader.js';

describe.skipIf(webgpuAbsence !== null)('a tensor that the GPU has no room for', () => {
  it('is refused at once where no buffer can be so large, and the device stays usable', async () => {
    await openEngine('webgpu');
    const { device } = tf.backend() as tf.KernelBackend & { device: GPUDevice };
    const tooMany = Math.min(device.limits.maxBufferSize, device.limits.maxStorageBufferBindingSize) / 4 + 1;
    const make = () => tf.tidy(() => tf.fill([tooMany], 1));
    expect(make).toThrow(OutOfMemoryError);
    expect(make).toThrow(/^a tensor of [\d.]+ GiB, .* [\d.]+ GiB at most: .+; use a smaller --batch-size/);
    expect(Array.from(await tf.add(tf.fill([2], 1), 1).data())).toEqual([2, 2]);
  });

  it('is told of at once, and at every later computation and read', async (context) => {
    const { description } = await openEngine('webgpu');
    // It refuses allocations of 1 GiB less four bytes, within its limits. A GPU would have to be filled first.
    if (!/SwiftShader/.test(description)) context.skip('only on SwiftShader');
    const small = tf.fill([100_000], 1);
    await small.data();
    const sum = async () => tf.sum(tf.fill([2 ** 28 - 1], 1)).data();
    await expect(sum()).rejects.toThrow(OutOfMemoryError);
    await expect(sum()).rejects.toThrow(/^out of GPU memory: .+; use a smaller --batch-size or fewer --workers/);
    expect(() => tf.add(small, 1)).toThrow(OutOfMemoryError);
  });
});
