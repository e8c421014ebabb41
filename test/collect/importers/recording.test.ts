// Recordings of the Python package: what its manifest says becomes part of the run, and nothing is guessed.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { importCheckpoints } from '../../../src/collect/index.js';
import { WnnError } from '../../../src/errors.js';
import { exportPackage } from '../../../src/export/index.js';
import { encodeSafetensors } from '../../../src/formats/safetensors.js';
import { Random } from '../../../src/random.js';
import { readPositions } from '../../../src/trajectory/positions.js';
import { readManifest, readMetrics, readSnapshots, readStatistics } from '../../../src/trajectory/runReader.js';
import { writeTraining } from '../../export/trainingDirectory.js';
import { findPython } from '../../python.js';
import { makeSafetensors, put } from '../import/makeFiles.js';

const root = mkdtempSync(join(tmpdir(), 'wnn-recording-'));
afterAll(() => rmSync(root, { recursive: true, force: true }));

const tensors = [
  { name: 'a.proj', kind: 'fc', class: 'Linear', shape: [2, 2] },
  { name: 'b.weight', kind: 'conv', class: 'Conv1d', shape: [2, 1, 3] },
  { name: 'c.weight', kind: 'bias', class: 'Odd', shape: [2] },
];
const manifest = {
  format: 'weight-trajectory',
  schemaVersion: 1,
  status: 'complete',
  framework: { name: 'torch', version: '2.13.0' },
  layout: 'torch',
  task: 'cifar10',
  architecture: null as string | null,
  batchSize: 32,
  epochsPlanned: 4,
  optimizer: { name: 'SGD', lr: 0.05, nesterov: false },
  cadence: { unit: 'epoch', every: 2 },
  nowcasts: { period: 3, start: 5 } as object | null,
  type: 'F32',
  scalarsPerTensor: null as number | null,
  seed: 0,
  positions: null,
  tensors,
  snapshots: [1, 3].map((epoch) => ({
    epoch,
    file: `epoch-0000${epoch}.safetensors`,
    metrics: { loss: 1 / epoch } as object,
  })),
};

const range = (length: number, from: number) => Array.from({ length }, (_, i) => from + i);

function putRecording(name: string, changes: object = {}, shapes = tensors.map(({ shape }) => shape)): string {
  const directory = join(root, name);
  put(join(directory, 'trajectory.json'), JSON.stringify({ ...manifest, ...changes }));
  for (const { epoch, file } of manifest.snapshots) {
    const arrays = tensors.map(({ name: tensor }, i): [string, [number[], number[]]] => [
      tensor,
      [
        shapes[i],
        range(
          shapes[i].reduce((a, b) => a * b),
          10 * epoch + i,
        ),
      ],
    ]);
    put(join(directory, file), makeSafetensors(Object.fromEntries(arrays)));
  }
  return directory;
}

const take = async (directory: string, id: string, options: object = {}) =>
  importCheckpoints({ sources: [directory], store: join(root, 'store'), id, ...options });

async function readAll(directory: string) {
  const metrics = new Map((await readMetrics(directory)).map((row) => [row.epoch, row.metrics]));
  const snapshots = [];
  for await (const { epoch, values } of readSnapshots(directory))
    snapshots.push({ epoch, metrics: metrics.get(epoch), values: values.map((array) => Array.from(array)) });
  return snapshots;
}

describe('a recording', () => {
  test('becomes a run with what the manifest says of it', async () => {
    const { format, runs } = await take(putRecording('whole'), 'whole');
    expect(format).toBe('recording');
    expect(runs[0]).toMatchObject({ status: 'complete', snapshots: 2, converted: 1 });
    const run = readManifest(runs[0].directory);
    expect(run).toMatchObject({
      source: 'import',
      task: 'cifar10',
      architecture: null,
      optimizer: { name: 'SGD', lr: 0.05, nesterov: false },
      cadence: { unit: 'epoch', every: 2 },
      nowcasts: { period: 3, start: 5 },
      epochsPlanned: 4,
      hyperparameters: { format: 'recording', checkpoints: 2, batchSize: 32, framework: 'torch 2.13.0' },
    });
    expect(run.tensors).toEqual([
      { name: 'a.proj', kind: 'fc', kindBy: 'format', shape: [2, 2] },
      { name: 'b.weight', kind: 'conv', kindBy: 'format', shape: [3, 1, 2], converted: expect.any(String) },
      { name: 'c.weight', kind: 'bias', kindBy: 'format', shape: [2] },
    ]);
    expect(await readAll(runs[0].directory)).toEqual([
      { epoch: 0, metrics: { loss: 1 }, values: [range(4, 10), [11, 14, 12, 15, 13, 16], [12, 13]] },
      { epoch: 1, metrics: { loss: 1 / 3 }, values: [range(4, 30), [31, 34, 32, 35, 33, 36], [32, 33]] },
    ]);
  });

  test('leaves its order and layout to nobody, but what the user says of the task holds', async () => {
    const directory = putRecording('keras', { layout: 'keras', nowcasts: null });
    const { runs } = await take(directory, 'keras', { task: 'mine', architecture: 'small' });
    const run = readManifest(runs[0].directory);
    expect(run).toMatchObject({ task: 'mine', architecture: 'small' });
    expect(run).not.toHaveProperty('nowcasts');
    expect(run.tensors[1].shape).toEqual([2, 1, 3]);
    expect(runs[0].converted).toBe(0);
  });

  /** A recording of four scalars of each larger tensor, whose positions and statistics are those given. */
  function putShare(name: string, positions: number[], statistics: object | undefined): string {
    const snapshots = manifest.snapshots.map((entry) => ({ ...entry, statistics }));
    const changes = { scalarsPerTensor: 4, positions: 'positions.safetensors', snapshots };
    const directory = putRecording(name, changes, [[2, 2], [4], [2]]);
    const data = new Uint8Array(BigInt64Array.from(positions, BigInt).buffer);
    const array = { dtype: 'I64', shape: [positions.length], data } as const;
    put(join(directory, 'positions.safetensors'), encodeSafetensors({ 'b.weight': array }));
    return directory;
  }
  const STATISTICS = Object.fromEntries(tensors.map(({ name }, i) => [name, [i, 2, i === 0 ? null : 3, 4]]));

  test('with a share of the scalars is a sampled run, whose positions follow the axes', async () => {
    // Of [2, 1, 3] in PyTorch, [3, 1, 2] in the run: position 3 a + b there is 2 b + a here.
    const { runs } = await take(putShare('share', [0, 1, 3, 5], STATISTICS), 'share');
    const { directory } = runs[0];
    const run = readManifest(directory);
    expect(run.scalarsPerTensor).toBe(4);
    expect(run.tensors[1]).toMatchObject({ name: 'b.weight', kind: 'conv', shape: [4], sampledFrom: [3, 1, 2] });
    expect(run.tensors[0]).toEqual({ name: 'a.proj', kind: 'fc', kindBy: 'format', shape: [2, 2] });
    expect([...(readPositions(directory, run).get('b.weight') ?? [])]).toEqual([0, 1, 2, 5]);
    expect((await readAll(directory))[1].values[1]).toEqual([31, 33, 32, 34]);
    const measured = [];
    for await (const { statistics } of readStatistics(directory)) measured.push(statistics);
    expect(measured).toHaveLength(2);
    expect(measured[1][0]).toEqual({ mean: 0, rms: 2, changeMean: Number.NaN, changeRms: 4 });
    expect(measured[1][2]).toEqual({ mean: 2, rms: 2, changeMean: 3, changeRms: 4 });
  });

  test.each<[string, number[], object | undefined, RegExp]>([
    [
      'positions out of range',
      [0, 1, 3, 6],
      STATISTICS,
      /b\.weight: position 6 in a tensor of 6 values.*positions\.saf/,
    ],
    ['positions that descend', [0, 3, 1, 5], STATISTICS, /b\.weight: position 1 after 3.*positions\.safetensors/],
    ['negative positions', [-1, 0, 1, 2], STATISTICS, /b\.weight: position -1 in a tensor of 6 values/],
    ['too few positions', [0, 1, 3], STATISTICS, /b\.weight: 3 positions in place of 4/],
    ['no statistics', [0, 1, 3, 5], undefined, /epoch-00001\.safetensors has no statistics of a\.proj.*trajectory/],
    ['statistics of others', [0, 1, 3, 5], { x: [1, 1, 1, 1] }, /has no statistics of a\.proj/],
  ])('of a share with %s is refused in one line', async (name, positions, statistics, message) => {
    const error = await take(putShare(`share ${name}`, positions, statistics), 'wrong').catch((caught) => caught);
    expect(error).toBeInstanceOf(WnnError);
    expect(error.message).toMatch(message);
    expect(error.message).not.toMatch(/\n/);
    expect(existsSync(join(root, 'store/run=wrong'))).toBe(false);
  });

  test('with a gap keeps the numbers of its snapshots, and metrics that were not finite are not', async () => {
    const directory = putRecording('gap', {
      cadence: { unit: 'epoch', every: 1 },
      snapshots: manifest.snapshots.map((entry) => ({ ...entry, metrics: { loss: null } })),
    });
    const { runs } = await take(directory, 'gap');
    const snapshots = await readAll(runs[0].directory);
    expect(snapshots.map(({ epoch }) => epoch)).toEqual([1, 3]);
    expect(snapshots[0].metrics).toEqual({ loss: Number.NaN });
  });

  test('that was not closed is an interrupted run', async () => {
    const { runs } = await take(putRecording('open', { status: 'recording' }), 'open');
    const interrupted = { status: 'interrupted', reason: 'its recorder was not closed' };
    expect(runs[0]).toMatchObject({ ...interrupted, snapshots: 2 });
    expect(readManifest(runs[0].directory)).toMatchObject({ ...interrupted, snapshotsRecorded: 2 });
  });

  test('is found among others, each a run', async () => {
    const sources = ['one', 'two'].map((name) => putRecording(join('several', name)));
    const { runs } = await importCheckpoints({ sources, store: join(root, 'several-store') });
    expect(runs.map(({ id }) => id)).toEqual(['import-one', 'import-two']);
  });
});

describe('what is wrong is refused in one line that names the file', () => {
  const [first, second] = manifest.snapshots;
  test.each<[string, object, RegExp]>([
    [
      'another version',
      { schemaVersion: 2 },
      /^schema version 2 of a recording, this toolkit reads 1: .*trajectory\.json; /,
    ],
    ['a file elsewhere', { snapshots: [{ ...first, file: '../x.safetensors' }] }, /snapshots\.0.*trajectory\.json/],
    ['another status', { status: 'done' }, /status: .*trajectory\.json/],
    ['no snapshot', { snapshots: [] }, /snapshots: no snapshot was recorded.*trajectory\.json/],
    ['another kind', { tensors: [{ ...tensors[0], kind: 'dense' }] }, /tensors\.0\.kind.*trajectory\.json/],
    [
      'another shape',
      { tensors: [{ ...tensors[0], shape: [4] }, ...tensors.slice(1)] },
      /a\.proj is not as its manifest has it, \[4\].*epoch-00001/,
    ],
    ['other tensors', { tensors: tensors.slice(1) }, /holds other tensors than its manifest.*epoch-00001/],
    [
      'a descending order',
      { snapshots: [second, first] },
      /epoch-00001\.safetensors is not the next snapshot of its cadence.*trajectory\.json/,
    ],
    ['numbers of another cadence', { cadence: { unit: 'step', every: 2 } }, /is not the next snapshot of its cadence/],
    [
      'a missing file',
      { snapshots: [first, { ...second, file: 'epoch-9.safetensors' }] },
      /^no such file: .*epoch-9\.safetensors; /,
    ],
  ])('%s', async (name, changes, message) => {
    const directory = putRecording(`wrong ${name}`, changes);
    const error = await take(directory, 'wrong').catch((caught: unknown) => caught);
    expect(error).toBeInstanceOf(WnnError);
    expect((error as Error).message).toMatch(message);
    expect((error as Error).message).not.toMatch(/\n/);
    expect(existsSync(join(root, 'store/run=wrong'))).toBe(false);
  });

  test('a manifest with damaged bytes is refused or read, and nothing else happens', async () => {
    const directory = putRecording('damaged', { cadence: { unit: 'epoch', every: 1 } });
    const path = join(directory, 'trajectory.json');
    const original = readFileSync(path);
    const random = new Random(1, 'recording');
    let refused = 0;
    for (let i = 0; i < 150; i++) {
      const damaged = Buffer.from(original);
      for (let flips = 0; flips < 1 + (i % 3); flips++) damaged[random.below(damaged.length)] ^= 1 << random.below(8);
      put(path, i % 10 === 0 ? damaged.subarray(0, random.below(damaged.length)) : damaged);
      try {
        await take(directory, `damaged-${i}`, { format: 'recording' });
      } catch (error) {
        if (!(error instanceof WnnError)) throw error;
        expect(error.message).toContain(directory);
        refused++;
      }
    }
    expect(refused).toBeGreaterThan(50);
    expect(refused).toBeLessThan(150);
  });
});

const python = findPython('numpy');

test.skipIf(python === undefined)('is read as the package writes it (skipped without numpy)', async () => {
  const made = join(root, 'package');
  writeTraining(join(root, 'training'));
  await exportPackage({ format: 'python', from: join(root, 'training'), to: made, name: 'mine' });
  const written = join(root, 'written');
  const code = `
import numpy as np
from mine.record import RecordedTensor, TrajectoryRecorder
class Recorder(TrajectoryRecorder):
    kernel = np.arange(12, dtype=np.float32).reshape(3, 4)
    def _framework(self): return {"name": "keras", "version": "3"}
    def _describe_optimizer(self): return {"name": "Adam", "learning_rate": 0.001}
    def _list_recorded(self):
        return [RecordedTensor("dense/kernel", "fc", (3, 4), "Dense", lambda: self.kernel)]
for directory, options in (("float32", {}), ("bfloat16", {"dtype": "bfloat16"}), ("share", {"scalars_per_tensor": 5})):
    recorder = Recorder(${JSON.stringify(written)} + "/" + directory, **options)
    for epoch in range(3):
        recorder.step(loss=epoch if epoch else float("nan"))
        recorder.kernel = recorder.kernel + np.float32(1)
    recorder.close()
`;
  execFileSync(python as string, ['-c', code], { cwd: made, stdio: ['ignore', 'pipe', 'inherit'] });
  for (const name of ['float32', 'bfloat16', 'share']) {
    const { runs } = await take(join(written, name), `written-${name}`);
    const snapshots = await readAll(runs[0].directory);
    expect(snapshots.map(({ metrics }) => metrics)).toEqual([{ loss: Number.NaN }, { loss: 1 }, { loss: 2 }]);
    for (const { epoch, values } of snapshots) {
      if (name === 'share') {
        expect(values[0]).toHaveLength(5);
        expect(values[0]).toEqual(snapshots[0].values[0].map((value) => value + epoch));
      } else expect(values[0]).toEqual(range(12, epoch));
    }
  }
});
