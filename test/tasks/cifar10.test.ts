import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorruptFileError, MissingFileError } from '../../src/errors.js';
import { loadDataset } from '../../src/tasks/dataset.js';
import type { ImageExamples } from '../../src/tasks/images.js';

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'cifar-'));
});
afterEach(() => {
  rmSync(directory, { recursive: true });
});

/** A batch of records; each byte of a pixel tells its image, channel and place. */
function writeBatch(
  path: string,
  labels: number[],
  pixel: (image: number, channel: number, at: number) => number,
): void {
  const bytes = new Uint8Array(labels.length * 3073);
  labels.forEach((label, image) => {
    bytes[image * 3073] = label;
    for (let channel = 0; channel < 3; channel++) {
      for (let at = 0; at < 1024; at++) bytes[image * 3073 + 1 + channel * 1024 + at] = pixel(image, channel, at);
    }
  });
  writeFileSync(path, bytes);
}

function writeSet(folder: string): void {
  mkdirSync(folder, { recursive: true });
  for (let batch = 1; batch <= 5; batch++) {
    writeBatch(
      join(folder, `data_batch_${batch}.bin`),
      [batch, batch - 1],
      (image, channel, at) => (batch * 50 + image * 20 + channel * 7 + at) % 256,
    );
  }
  writeBatch(join(folder, 'test_batch.bin'), [9], () => 200);
}

describe('cifar10', () => {
  it.each(['cifar10', 'cifar10/cifar-10-batches-bin'])(
    'reads all batches in order, channels last, from %s',
    async (at) => {
      writeSet(join(directory, at));
      const set = await loadDataset('cifar10', { directory });
      expect(set.inputShape).toEqual([32, 32, 3]);
      const [train, validation] = [set.train as ImageExamples, set.validation as ImageExamples];
      expect(Array.from(train.labels)).toEqual([1, 0, 2, 1, 3, 2, 4, 3, 5, 4]);
      expect(Array.from(validation.labels)).toEqual([9]);
      for (const [index, batch, image] of [
        [0, 1, 0],
        [7, 4, 1],
      ]) {
        for (const at of [0, 33, 1023]) {
          const pixel = train.pixels.subarray((index * 1024 + at) * 3, (index * 1024 + at) * 3 + 3);
          const expected = [0, 1, 2].map((channel) => (batch * 50 + image * 20 + channel * 7 + at) % 256);
          expect(Array.from(pixel)).toEqual(expected);
        }
      }
    },
  );

  it('says how to get it when it is not there', async () => {
    await expect(loadDataset('cifar10', { directory })).rejects.toThrow(MissingFileError);
    await expect(loadDataset('cifar10', { directory })).rejects.toThrow(/data_batch_1.bin.*wnn data get cifar10/);
  });

  it('refuses cut off batches and impossible labels', async () => {
    const folder = join(directory, 'cifar10');
    writeSet(folder);
    writeFileSync(join(folder, 'data_batch_3.bin'), new Uint8Array(3073 * 2 - 1));
    await expect(loadDataset('cifar10', { directory })).rejects.toThrow(CorruptFileError);
    await expect(loadDataset('cifar10', { directory })).rejects.toThrow(/6145 bytes.*data_batch_3.bin/);
    writeBatch(join(folder, 'data_batch_3.bin'), [3, 10], () => 0);
    await expect(loadDataset('cifar10', { directory })).rejects.toThrow(/label 10 at byte 3073/);
    writeFileSync(join(folder, 'data_batch_3.bin'), '');
    await expect(loadDataset('cifar10', { directory })).rejects.toThrow(CorruptFileError);
  });
});
