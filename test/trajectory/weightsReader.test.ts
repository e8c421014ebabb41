// Reading chosen scalars of weight files, against plain indexing of what was recorded; forged and damaged files.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { crc32 } from 'node:zlib';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { CorruptFileError } from '../../src/errors.js';
import { Random } from '../../src/random.js';
import { RunWriter } from '../../src/trajectory/runWriter.js';
import { readScalars, type ScalarChoice } from '../../src/trajectory/scalarReader.js';
import type { RunStatus, TensorSpec } from '../../src/trajectory/schema.js';

let store: string;
beforeEach(() => {
  store = mkdtempSync(join(tmpdir(), 'wnn-scalars-'));
});
afterEach(() => {
  rmSync(store, { recursive: true, force: true });
});

/** Records random values, of which one tensor has few different ones, and returns them with the run's directory. */
async function record(
  tensors: TensorSpec[],
  epochs: number,
  { id = 'x', sizes = {}, status = 'complete' as Exclude<RunStatus, 'recording'> | null } = {},
) {
  const info = {
    id,
    source: 'zoo' as const,
    task: null,
    architecture: null,
    optimizer: null,
    hyperparameters: {},
    seed: null,
    engine: null,
    epochsPlanned: null,
  };
  const random = new Random(1);
  const writer = RunWriter.create(store, info, tensors, sizes);
  const values = Array.from({ length: epochs }, () =>
    tensors.map(({ name, shape }) =>
      Float32Array.from({ length: shape.reduce((a, b) => a * b, 1) }, () =>
        name === 'coarse' ? random.below(3) / 2 : random.normal(),
      ),
    ),
  );
  for (const [epoch, snapshot] of values.entries()) await writer.append({ epoch, values: snapshot, metrics: {} });
  if (status !== null) await writer.finish(status, status === 'complete' ? null : 'for the test');
  return { directory: writer.directory, values };
}

async function readAll(directory: string, choices: ScalarChoice[], firstSnapshot = 0) {
  const all = [];
  for await (const { epoch, values } of readScalars(directory, choices, { firstSnapshot }))
    all.push({ epoch, values: Array.from(values) });
  return all;
}

/** What must come out, by plain indexing. */
function pick(values: Float32Array[][], tensors: TensorSpec[], choices: ScalarChoice[], firstSnapshot = 0) {
  return values
    .map((snapshot, epoch) => ({
      epoch,
      values: choices.flatMap(({ tensor, indices }) => {
        const from = Array.from(snapshot[tensors.findIndex(({ name }) => name === tensor)]);
        return indices === null ? from : Array.from(indices, (i) => from[i]);
      }),
    }))
    .slice(firstSnapshot);
}

const SMALL: TensorSpec[] = [
  { name: 'a/kernel', kind: 'conv', shape: [3, 3, 2, 5] },
  { name: 'coarse', kind: 'fc', shape: [40, 3] },
  { name: 'scalar', kind: 'bias', shape: [1] },
  { name: 'ü/bias', kind: 'bias', shape: [7] },
];
const CHOICES: ScalarChoice[] = [
  { tensor: 'a/kernel', indices: Uint32Array.of(0, 1, 45, 89) },
  { tensor: 'coarse', indices: null },
  { tensor: 'ü/bias', indices: Uint32Array.of(6) },
];

describe('readScalars picks the chosen values from pages', () => {
  it.each([
    ['one row group', 3, {}],
    ['many row groups', 40, { rowGroupBytes: 4000 }],
    ['many files', 40, { rowGroupBytes: 4000, partBytes: 9000 }],
  ])('of %s', async (_, epochs, sizes) => {
    const { directory, values } = await record(SMALL, epochs, { sizes });
    expect(await readAll(directory, CHOICES)).toEqual(pick(values, SMALL, CHOICES));
    expect(await readAll(directory, CHOICES, 2)).toEqual(pick(values, SMALL, CHOICES, 2));
  });

  it('of tensors that go over several pages', async () => {
    const tensors: TensorSpec[] = [
      { name: 'first', kind: 'fc', shape: [10] },
      { name: 'large', kind: 'fc', shape: [700, 600] },
      { name: 'last', kind: 'bias', shape: [9] },
    ];
    const { directory, values } = await record(tensors, 3);
    const choices = [
      { tensor: 'first', indices: null },
      { tensor: 'large', indices: new Random(2).sample(420_000, 5000) },
      { tensor: 'last', indices: Uint32Array.of(0, 8) },
    ];
    expect(await readAll(directory, choices)).toEqual(pick(values, tensors, choices));
  });

  it('of none', async () => {
    const { directory } = await record(SMALL, 2);
    expect(await readAll(directory, [])).toEqual([
      { epoch: 0, values: [] },
      { epoch: 1, values: [] },
    ]);
  });

  it('of tensors without values beside others', async () => {
    const tensors: TensorSpec[] = [{ name: 'empty', kind: 'fc', shape: [0, 3] }, ...SMALL];
    const { directory, values } = await record(tensors, 12, { sizes: { rowGroupBytes: 4000 } });
    const choices = [{ tensor: 'empty', indices: null }, ...CHOICES];
    expect(await readAll(directory, choices, 3)).toEqual(pick(values, tensors, choices, 3));
  });

  it('of a run that did not end', async () => {
    const { directory, values } = await record(SMALL, 12, { status: 'interrupted' });
    expect(await readAll(directory, CHOICES, 3)).toEqual(pick(values, SMALL, CHOICES, 3));
  });

  it('of the log of a run that is being recorded', async () => {
    const { directory, values } = await record(SMALL, 5, { status: null });
    expect(await readAll(directory, CHOICES, 3)).toEqual(pick(values, SMALL, CHOICES, 3));
  });
});

describe('a weight file that is not what it should be is one line', () => {
  const damage = (good: Buffer, random: Random, i: number): Buffer => {
    if (i % 4 === 0) return good.subarray(0, random.below(good.length));
    const bad = Buffer.from(good);
    bad[random.below(bad.length)] ^= 1 + random.below(255);
    return bad;
  };
  const fileOf = (directory: string, number: number) =>
    join(directory, `weights-${String(number).padStart(5, '0')}.parquet`);

  it('when it is damaged or missing', async () => {
    const { directory } = await record(SMALL, 30, { sizes: { rowGroupBytes: 4000, partBytes: 9000 } });
    const path = fileOf(directory, 1);
    const good = readFileSync(path);
    const random = new Random(3);
    for (let i = 0; i < 20; i++) {
      writeFileSync(path, damage(good, random, i));
      await expect(readAll(directory, CHOICES)).rejects.toThrow(CorruptFileError);
    }
    rmSync(path);
    await expect(readAll(directory, CHOICES)).rejects.toThrow(/ENOENT.*weights-00001/);
  });

  /** Puts a file in the place of the run's, and its checksum into run.json. */
  function forge(directory: string, bytes: Uint8Array): void {
    writeFileSync(fileOf(directory, 0), bytes);
    const path = join(directory, 'run.json');
    const manifest = JSON.parse(readFileSync(path, 'utf8'));
    Object.assign(manifest.files[0], { bytes: bytes.length, crc32: crc32(bytes) });
    writeFileSync(path, JSON.stringify(manifest));
  }

  it('when its checksum has been forged too', async () => {
    const { directory } = await record(SMALL, 4);
    const good = readFileSync(fileOf(directory, 0));
    const random = new Random(4);
    let refused = 0;
    for (let i = 0; i < 400; i++) {
      forge(directory, damage(good, random, i));
      try {
        // Damage to a value shows nowhere else than in the checksum.
        expect(await readAll(directory, CHOICES)).toHaveLength(4);
      } catch (error) {
        expect(error).toBeInstanceOf(CorruptFileError);
        expect((error as Error).message).toMatch(/^damaged Parquet file \(.*\): .*weights-00000\.parquet; restore.*$/);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(150);
    forge(directory, good);
    expect(await readAll(directory, CHOICES)).toHaveLength(4);
  });

  it('when it is another table', async () => {
    const { directory } = await record(SMALL, 4);
    const { directory: other } = await record([SMALL[0], SMALL[2]], 4, { id: 'other' });
    forge(directory, readFileSync(fileOf(other, 0)));
    await expect(readAll(directory, CHOICES)).rejects.toThrow(/damaged Parquet file/);
    forge(directory, readFileSync(join(directory, 'metrics.parquet')));
    await expect(readAll(directory, CHOICES)).rejects.toThrow(/damaged Parquet file/);
    forge(directory, readFileSync(fileOf(directory, 0)).fill(0));
    await expect(readAll(directory, CHOICES)).rejects.toThrow(CorruptFileError);
  });

  it('when it has more or fewer snapshots than the run', async () => {
    const { directory } = await record(SMALL, 4);
    const { directory: longer } = await record(SMALL, 5, { id: 'longer' });
    const { directory: shorter } = await record(SMALL, 3, { id: 'shorter' });
    forge(directory, readFileSync(fileOf(longer, 0)));
    await expect(readAll(directory, CHOICES)).rejects.toThrow(/row group of 20 rows/);
    forge(directory, readFileSync(fileOf(shorter, 0)));
    await expect(readAll(directory, CHOICES)).rejects.toThrow(/run holds 3 snapshots, its manifest says 4/);
  });
});
