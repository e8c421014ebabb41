import { setBackend } from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { loadDataset } from '../../src/tasks/dataset.js';
import type { ImageExamples } from '../../src/tasks/images.js';

/** An image dataset in the form that it has in memory. */
async function loadImages(...args: Parameters<typeof loadDataset>) {
  const { train, validation } = await loadDataset(...args);
  return { train: train as ImageExamples, validation: validation as ImageExamples };
}

let mnist: Awaited<ReturnType<typeof loadImages>>;
beforeAll(async () => {
  await setBackend('cpu');
  mnist = await loadImages('mnist');
});

describe('mnist', () => {
  it('holds all images with the published class counts', () => {
    expect([mnist.train.count, mnist.validation.count]).toEqual([60000, 10000]);
    const counts = new Array(10).fill(0);
    for (const label of mnist.train.labels) counts[label]++;
    expect(counts).toEqual([5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]);
    expect(Array.from(mnist.train.labels.subarray(0, 5))).toEqual([5, 0, 4, 1, 9]);
  });

  it('has the known mean and spread of its pixels', () => {
    let sum = 0;
    let squares = 0;
    for (const byte of mnist.train.pixels) {
      sum += byte / 255;
      squares += (byte / 255) ** 2;
    }
    const mean = sum / mnist.train.pixels.length;
    expect(mean).toBeCloseTo(0.1307, 4);
    expect(Math.sqrt(squares / mnist.train.pixels.length - mean * mean)).toBeCloseTo(0.3081, 4);
  });

  it('gives batches of the images asked for, in [0, 1]', async () => {
    const { xs, ys } = mnist.train.takeBatch(Uint32Array.of(4, 0));
    expect(xs.shape).toEqual([2, 28, 28, 1]);
    expect(Array.from(await ys.data())).toEqual([9, 5]);
    const values = await xs.data();
    const expected = [4, 0].flatMap((i) => Array.from(mnist.train.pixels.subarray(i * 784, (i + 1) * 784)));
    expect(Array.from(values)).toEqual(expected.map((byte) => Math.fround(byte / 255)));
    xs.dispose();
    ys.dispose();
  });
});

describe('loadDataset', () => {
  it('draws the same part for the same seed, without repeats', async () => {
    const options = { trainExamples: 500, validationExamples: 100, seed: 3 };
    const [first, again, other] = await Promise.all([
      loadImages('mnist', options),
      loadImages('mnist', options),
      loadImages('mnist', { ...options, seed: 4 }),
    ]);
    expect([first.train.count, first.validation.count]).toEqual([500, 100]);
    expect(first.train.pixels).toEqual(again.train.pixels);
    expect(first.train.labels).toEqual(again.train.labels);
    expect(first.train.labels).not.toEqual(other.train.labels);
    const images = new Set<string>();
    for (let i = 0; i < 500; i++) images.add(first.train.pixels.subarray(i * 784, (i + 1) * 784).join());
    expect(images.size).toBe(500);
  });

  it('refuses unknown sets and impossible sizes', async () => {
    await expect(loadDataset('mnits')).rejects.toThrow(UsageError);
    await expect(loadDataset('mnits')).rejects.toThrow(/did you mean mnist\?/);
    await expect(loadDataset('mnist', { trainExamples: 0 })).rejects.toThrow(UsageError);
  });
});
