// Shards as files: what is written comes back bit for bit, and damage is told from health.

import { mkdtempSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { tableFromIPC } from 'apache-arrow';
import fc from 'fast-check';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { CorruptFileError, MismatchError, MissingFileError } from '../../src/errors.js';
import { Random } from '../../src/random.js';
import { readShard } from '../../src/samples/shardReader.js';
import { ShardWriter } from '../../src/samples/shardWriter.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'wnn-shards-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

function columnsOf(count: number, inputLength: number, horizons: number, seed: number) {
  const random = new Random(seed);
  const floats = (length: number) => Float32Array.from({ length }, () => random.normal());
  return {
    windows: floats(count * inputLength),
    targets: floats(count * horizons),
    scales: floats(count).map(Math.abs),
    runs: Int32Array.from({ length: count }, () => random.below(3)),
  };
}

const RUN_IDS = ['run-a', 'run-b', 'run-ç'];

function writeShard(name: string, batches: number[], inputLength = 5, horizons = 1, order: Random | null = null) {
  const path = join(dir, name);
  const writer = new ShardWriter(path, { inputLength, horizons }, RUN_IDS);
  const written = batches.map((count, i) => ({ count, ...columnsOf(count, inputLength, horizons, i) }));
  for (const batch of written) writer.write(batch, batch.count);
  return { path, written, bytes: writer.close(order), rows: writer.rows, crc32: writer.crc32 };
}

describe('ShardWriter and readShard', () => {
  it('give back every column of one batch', async () => {
    const { path, written, bytes } = writeShard('one.arrow', [100]);
    const samples = await readShard(path, { inputLength: 5, horizons: 1, rows: 100, bytes });
    expect(samples.count).toBe(100);
    expect(samples.windows).toEqual(written[0].windows);
    expect(samples.targets).toEqual(written[0].targets);
    expect(samples.scales).toEqual(written[0].scales);
    expect(samples.runs).toEqual(written[0].runs);
    expect(samples.runIds).toEqual(RUN_IDS);
  });

  it('join several batches and several horizons', async () => {
    const { path, written, rows } = writeShard('many.arrow', [7, 1, 33], 3, 2);
    const samples = await readShard(path, { inputLength: 3, horizons: 2, rows });
    const all = (pick: (batch: (typeof written)[0]) => ArrayLike<number>) =>
      written.flatMap((b) => Array.from(pick(b)));
    expect(Array.from(samples.windows)).toEqual(all((b) => b.windows));
    expect(Array.from(samples.targets)).toEqual(all((b) => b.targets));
    expect(Array.from(samples.runs)).toEqual(all((b) => b.runs));
  });

  it('write columns of the designed types', () => {
    const { path } = writeShard('types.arrow', [4, 4]);
    const table = tableFromIPC(readFileSync(path));
    expect(table.schema.fields.map((field) => `${field.name}: ${field.type}`)).toEqual([
      'window: FixedSizeList[5]<Float32>',
      'target: Float32',
      'scale: Float32',
      'run: Dictionary<Int32, Utf8>',
    ]);
    expect(RUN_IDS).toContain(table.get(5)?.toJSON().run);
  });

  it('shuffle the order of batches without losing any', async () => {
    const sizes = Array.from({ length: 20 }, (_, i) => i + 1);
    const { path, written } = writeShard('order.arrow', sizes, 5, 1, new Random(1));
    const { scales } = await readShard(path);
    expect(scales).not.toEqual(Float32Array.from(written.flatMap((b) => Array.from(b.scales))));
    expect(scales.toSorted()).toEqual(Float32Array.from(written.flatMap((b) => Array.from(b.scales))).sort());
  });
});

describe('readShard refuses', () => {
  it('a file that is not there', () => expect(readShard(join(dir, 'none.arrow'))).rejects.toThrow(MissingFileError));

  it('a file cut off anywhere', async () => {
    const { path, bytes } = writeShard('cut.arrow', [50, 50]);
    const whole = readFileSync(path);
    for (const length of [0, 1, 6, 100, bytes >> 1, bytes - 100, bytes - 7, bytes - 1]) {
      writeFileSync(path, whole);
      truncateSync(path, length);
      await expect(readShard(path), `${length} of ${bytes} bytes`).rejects.toThrow(CorruptFileError);
      await expect(readShard(path, { bytes })).rejects.toThrow(/dataset.json says/);
    }
  });

  it('another window length or number of horizons', async () => {
    const { path } = writeShard('shape.arrow', [10], 4, 2);
    await expect(readShard(path, { inputLength: 5 })).rejects.toThrow(MismatchError);
    await expect(readShard(path, { horizons: 1 })).rejects.toThrow(MismatchError);
    await expect(readShard(path, { rows: 11 })).rejects.toThrow(CorruptFileError);
  });

  it('values that are not finite', async () => {
    for (const [column, value] of [
      ['windows', Number.NaN],
      ['targets', Number.POSITIVE_INFINITY],
      ['scales', Number.NEGATIVE_INFINITY],
    ] as const) {
      const path = join(dir, 'nan.arrow');
      const writer = new ShardWriter(path, { inputLength: 5, horizons: 1 }, RUN_IDS);
      const columns = columnsOf(10, 5, 1, 0);
      columns[column][7] = value;
      writer.write(columns, 10);
      writer.close(null);
      await expect(readShard(path)).rejects.toThrow(`not finite among the ${column}`);
    }
  });

  it('any damage, when it knows the checksum', async () => {
    const { path, rows, bytes, crc32 } = writeShard('fuzz.arrow', [20, 20]);
    await expect(readShard(path, { rows, bytes, crc32 })).resolves.toMatchObject({ count: 40 });
    const whole = readFileSync(path);
    const damaged = join(dir, 'damaged.arrow');
    await fc.assert(
      fc.asyncProperty(
        fc.uniqueArray(fc.nat(whole.length - 1), { minLength: 1, maxLength: 6 }),
        fc.integer({ min: 1, max: 255 }),
        async (places, mask) => {
          const copy = Buffer.from(whole);
          for (const at of places) copy[at] ^= mask;
          writeFileSync(damaged, copy);
          await expect(readShard(damaged, { rows, bytes, crc32 })).rejects.toThrow(CorruptFileError);
        },
      ),
      { seed: 7, numRuns: 300 },
    );
  });
});
