// Batches: each sample once an epoch, in another order each epoch, the same from wherever one starts.

import { describe, expect, it } from 'vitest';
import { BatchFeed } from '../../src/train/batchFeed.js';
import type { SampleShards } from '../../src/train/sampleShards.js';

/** Shards whose samples carry their own number: window [n, n + 0.5], targets [-n, -2n]. */
function numberedShards(rows: number[]): SampleShards & { reads: number[] } {
  const starts = rows.map((_, i) => rows.slice(0, i).reduce((sum, count) => sum + count, 0));
  const reads: number[] = [];
  return {
    inputLength: 2,
    inputWidth: 2,
    windowOnly: true,
    horizons: 2,
    rows,
    total: rows.reduce((sum, count) => sum + count, 0),
    largestFile: 0,
    reads,
    async read(index) {
      reads.push(index);
      const numbers = Array.from({ length: rows[index] }, (_, i) => starts[index] + i);
      const windows = Float32Array.from(numbers.flatMap((n) => [n, n + 0.5]));
      return {
        count: rows[index],
        inputs: windows,
        windows,
        targets: Float32Array.from(numbers.flatMap((n) => [-n, -2 * n])),
      };
    },
  };
}

async function take(feed: BatchFeed, steps: number): Promise<number[][]> {
  const batches: number[][] = [];
  for (let i = 0; i < steps; i++) {
    const { count, inputs: windows, targets } = await feed.next();
    const numbers = Array.from({ length: count }, (_, j) => windows[2 * j]);
    numbers.forEach((n, j) => {
      expect([windows[2 * j + 1], targets[2 * j], targets[2 * j + 1]]).toEqual([n + 0.5, -n, -2 * n]);
    });
    batches.push(numbers);
  }
  return batches;
}

const ROWS = [7, 12, 5, 9, 1];
const TOTAL = 34;

describe.each([
  ['all in memory', TOTAL],
  ['two or three shards at once', 20],
  ['one shard at a time', 1],
])('BatchFeed with %s', (_name, shuffledTogether) => {
  const settings = { batchSize: 10, shuffledTogether, seed: 5, name: 'fc' };

  it('hands out every sample once an epoch, the last batch smaller', async () => {
    const feed = new BatchFeed(numberedShards(ROWS), settings);
    expect(feed.stepsPerEpoch).toBe(4);
    const epochs = [];
    for (let epoch = 0; epoch < 5; epoch++) {
      const batches = await take(feed, 4);
      expect(batches.map((batch) => batch.length)).toEqual([10, 10, 10, 4]);
      expect(batches.flat().toSorted((a, b) => a - b)).toEqual([...Array(TOTAL).keys()]);
      epochs.push(batches.flat().join());
    }
    expect(new Set(epochs).size).toBe(5);
  });

  it('goes on from any step with the same batches', async () => {
    const whole = await take(new BatchFeed(numberedShards(ROWS), settings), 12);
    for (let step = 0; step < 12; step++) {
      const feed = new BatchFeed(numberedShards(ROWS), settings);
      feed.seek(step);
      expect(await take(feed, 12 - step)).toEqual(whole.slice(step));
    }
    const feed = new BatchFeed(numberedShards(ROWS), settings);
    await take(feed, 7);
    feed.seek(2);
    expect(await take(feed, 3)).toEqual(whole.slice(2, 5));
  });

  it('depends on seed and name', async () => {
    const first = await take(new BatchFeed(numberedShards(ROWS), settings), 4);
    expect(await take(new BatchFeed(numberedShards(ROWS), { ...settings, seed: 6 }), 4)).not.toEqual(first);
    expect(await take(new BatchFeed(numberedShards(ROWS), { ...settings, name: 'bias' }), 4)).not.toEqual(first);
  });
});

it('reads resident shards once, and leaves a batch alone while the next is made', async () => {
  const shards = numberedShards(ROWS);
  const feed = new BatchFeed(shards, { batchSize: 10, shuffledTogether: TOTAL, seed: 5, name: 'fc' });
  await take(feed, 9);
  expect(shards.reads).toEqual([0, 1, 2, 3, 4]);
  const batch = await feed.next();
  const held = batch.windows.slice();
  await feed.next();
  expect(batch.windows).toEqual(held);
});
