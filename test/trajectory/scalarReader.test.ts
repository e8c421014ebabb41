// Picking scalars out of pages, against the reader that decodes everything.

import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { CorruptFileError } from '../../src/errors.js';
import { Random } from '../../src/random.js';
import * as runReader from '../../src/trajectory/runReader.js';
import { RunWriter } from '../../src/trajectory/runWriter.js';
import { readScalars, type ScalarChoice } from '../../src/trajectory/scalarReader.js';
import type { RunStatus, TensorSpec } from '../../src/trajectory/schema.js';

let store: string;
beforeEach(() => {
  store = mkdtempSync(join(tmpdir(), 'wnn-scalars-'));
});
afterEach(() => {
  vi.restoreAllMocks();
  rmSync(store, { recursive: true, force: true });
});

/** Records random values, of which one tensor has few different ones, and returns them with the run's directory. */
async function record(
  tensors: TensorSpec[],
  epochs: number,
  { sizes = {}, status = 'complete' as Exclude<RunStatus, 'recording'> } = {},
) {
  const info = {
    id: 'x',
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
  await writer.finish(status, status === 'complete' ? null : 'for the test');
  return { directory: writer.directory, values };
}

async function readAll(directory: string, choices: ScalarChoice[], firstEpoch = 0) {
  const all = [];
  for await (const { epoch, values } of readScalars(directory, choices, { firstEpoch }))
    all.push({ epoch, values: Array.from(values) });
  return all;
}

/** What must come out, by plain indexing. */
function pick(values: Float32Array[][], tensors: TensorSpec[], choices: ScalarChoice[], firstEpoch = 0) {
  return values
    .map((snapshot, epoch) => ({
      epoch,
      values: choices.flatMap(({ tensor, indices }) => {
        const from = Array.from(snapshot[tensors.findIndex(({ name }) => name === tensor)]);
        return indices === null ? from : Array.from(indices, (i) => from[i]);
      }),
    }))
    .slice(firstEpoch);
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
  const watch = () => vi.spyOn(runReader, 'readSnapshots');

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

  it('without the reader that decodes everything', async () => {
    const { directory, values } = await record(SMALL, 30, { sizes: { rowGroupBytes: 4000 } });
    const generic = watch();
    expect(await readAll(directory, CHOICES)).toEqual(pick(values, SMALL, CHOICES));
    expect(generic).not.toHaveBeenCalled();
  });
});

describe('readScalars leaves to the other reader', () => {
  it('runs that did not end and tensors without values', async () => {
    const empty: TensorSpec[] = [{ name: 'empty', kind: 'fc', shape: [0, 3] }, ...SMALL];
    const { directory, values } = await record(empty, 12, { status: 'interrupted' });
    expect(await readAll(directory, CHOICES, 3)).toEqual(pick(values, empty, CHOICES, 3));
  });

  it('damage, which gets its error', async () => {
    const { directory } = await record(SMALL, 30, { sizes: { rowGroupBytes: 4000, partBytes: 9000 } });
    const path = join(directory, readdirSync(directory).filter((name) => name.startsWith('weights-'))[1]);
    const good = readFileSync(path);
    const random = new Random(3);
    for (let i = 0; i < 20; i++) {
      const bad = Buffer.from(good);
      bad[random.below(bad.length)] ^= 1 + random.below(255);
      writeFileSync(path, i % 4 === 0 ? good.subarray(0, random.below(good.length)) : bad);
      await expect(readAll(directory, CHOICES)).rejects.toThrow(CorruptFileError);
    }
    rmSync(path);
    await expect(readAll(directory, CHOICES)).rejects.toThrow();
  });
});
