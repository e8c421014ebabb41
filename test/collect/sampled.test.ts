// Sampled runs: which scalars are recorded, that they are those of the whole run, and the statistics beside them.

import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { TrajectoryRecorder } from '../../src/collect/index.js';
import { planRuns } from '../../src/collect/plan.js';
import { deviceReader, memoryReader } from '../../src/collect/tensorSampler.js';
import { WnnError } from '../../src/errors.js';
import { Random } from '../../src/random.js';
import { readPositions } from '../../src/trajectory/positions.js';
import { readManifest, readSnapshots, readStatistics } from '../../src/trajectory/runReader.js';
import { RunWriter } from '../../src/trajectory/runWriter.js';
import type { TensorStatistics } from '../../src/trajectory/schema.js';

const root = mkdtempSync(join(tmpdir(), 'wnn-sampled-'));
const store = join(root, 'store');
afterAll(() => rmSync(root, { recursive: true }));

/** Trains a small network, recorded whole and in part at once. */
async function record(id: string, options: { scalarsPerTensor: number; seed?: number }): Promise<void> {
  const initializer = tfl.initializers.glorotUniform({ seed: 3 });
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({ name: 'a', units: 40, inputShape: [30], kernelInitializer: initializer }),
      tfl.layers.batchNormalization({ name: 'b' }),
      tfl.layers.dense({ name: 'c', units: 2, kernelInitializer: initializer }),
    ],
  });
  model.compile({ optimizer: tf.train.adam(0.01), loss: 'meanSquaredError' });
  const random = new Random(5);
  const x = tf.tensor2d(Array.from({ length: 32 }, () => Array.from({ length: 30 }, () => random.normal())));
  const y = tf.tensor2d(Array.from({ length: 32 }, () => [random.normal(), random.normal()]));
  const callbacks = [
    new TrajectoryRecorder({ store, id: `${id}-whole` }),
    new TrajectoryRecorder({ store, id, ...options }),
  ];
  await model.fit(x, y, { epochs: 4, batchSize: 16, shuffle: false, verbose: 0, callbacks });
}

async function readAll(id: string): Promise<Float32Array[][]> {
  const all: Float32Array[][] = [];
  for await (const { values } of readSnapshots(join(store, `run=${id}`)))
    all.push(values.map((array) => Float32Array.from(array)));
  return all;
}

/** In float64, from the definitions. */
function statisticsOf(values: Float32Array, before: Float32Array | undefined): TensorStatistics {
  let [sum, squares, changes, changeSquares] = [0, 0, 0, 0];
  for (let i = 0; i < values.length; i++) {
    const change = before === undefined ? Number.NaN : values[i] - before[i];
    sum += values[i];
    squares += values[i] ** 2;
    changes += change;
    changeSquares += change ** 2;
  }
  const n = values.length;
  return {
    mean: sum / n,
    rms: Math.sqrt(squares / n),
    changeMean: changes / n,
    changeRms: Math.sqrt(changeSquares / n),
  };
}

function expectClose(actual: TensorStatistics, expected: TensorStatistics, tolerance: number): void {
  for (const field of ['mean', 'rms', 'changeMean', 'changeRms'] as const) {
    const scale = Math.max(field.startsWith('change') ? expected.changeRms || 0 : expected.rms, 1e-30);
    if (Number.isNaN(expected[field])) expect(actual[field]).toBeNaN();
    else expect(Math.abs(actual[field] - expected[field]) / scale, field).toBeLessThan(tolerance);
  }
}

beforeAll(async () => {
  await tf.setBackend('cpu');
  await record('r', { scalarsPerTensor: 50 });
});

describe('a sampled run', () => {
  const directory = join(store, 'run=r');

  it('says what it holds of which tensor', () => {
    const manifest = readManifest(directory);
    expect(manifest.scalarsPerTensor).toBe(50);
    const [kernel, bias, , , , , head] = manifest.tensors;
    expect(kernel).toEqual({ name: 'a/kernel', kind: 'fc', shape: [50], sampledFrom: [30, 40] });
    expect(bias).toEqual({ name: 'a/bias', kind: 'bias', shape: [40] });
    expect(head).toMatchObject({ name: 'c/kernel', shape: [50], sampledFrom: [40, 2] });
    const positions = readPositions(directory, manifest);
    expect([...positions.keys()]).toEqual(['a/kernel', 'c/kernel']);
    for (const [name, places] of positions) {
      expect(new Set(places).size, name).toBe(50);
      expect([...places]).toEqual([...places].sort((a, b) => a - b));
    }
  });

  it('holds the same scalars of every snapshot as the whole run, bit for bit', async () => {
    const manifest = readManifest(directory);
    const positions = readPositions(directory, manifest);
    const whole = await readAll('r-whole');
    const sampled = await readAll('r');
    expect(sampled).toHaveLength(4);
    for (const [s, values] of sampled.entries())
      for (const [t, { name }] of manifest.tensors.entries()) {
        const places = positions.get(name) ?? whole[s][t].keys();
        expect(values[t]).toEqual(Float32Array.from(places, (i) => whole[s][t][i]));
      }
  });

  it('has the statistics of the whole tensors', async () => {
    const whole = await readAll('r-whole');
    let s = 0;
    for await (const { epoch, statistics } of readStatistics(directory)) {
      expect(epoch).toBe(s);
      for (const [t, measured] of statistics.entries())
        expectClose(measured, statisticsOf(whole[s][t], whole[s - 1]?.[t]), 1e-6);
      s++;
    }
    expect(s).toBe(4);
    await expect(readStatistics(join(store, 'run=r-whole')).next()).rejects.toThrow(
      /^no statistics: the run records whole/,
    );
  });

  it('chooses by seed and name, in a way that stays', async () => {
    const choice = (id: string) => {
      const other = join(store, `run=${id}`);
      return readPositions(other, readManifest(other)).get('a/kernel');
    };
    await record('same', { scalarsPerTensor: 50, seed: 0 });
    await record('other', { scalarsPerTensor: 50, seed: 1 });
    expect(choice('same')).toEqual(choice('r'));
    expect(choice('other')).not.toEqual(choice('r'));
    for (const file of ['weights-00000.parquet', 'positions.arrow'])
      expect(readFileSync(join(store, 'run=same', file))).toEqual(readFileSync(join(directory, file)));
  });

  it('can be read while it is recorded, statistics too, and ends as diverged where an unrecorded value is not finite', async () => {
    const recorder = new TrajectoryRecorder({ store, id: 'open', scalarsPerTensor: 2 });
    const values = Float32Array.from({ length: 100 }, (_, i) => i);
    expect(await recorder.snapshot({ w: tf.tensor1d(values) })).toBe(true);
    const [open] = await readAll('open');
    expect(open[0]).toHaveLength(2);
    const { value } = await readStatistics(join(store, 'run=open')).next();
    expectClose(value?.statistics[0] as TensorStatistics, statisticsOf(values, undefined), 1e-6);
    const places = readPositions(join(store, 'run=open'), readManifest(join(store, 'run=open'))).get('w');
    values[[...values.keys()].find((i) => !places?.includes(i)) as number] = Number.NaN;
    expect(await recorder.snapshot({ w: tf.tensor1d(values) })).toBe(false);
    expect(await recorder.finish()).toMatchObject({ status: 'diverged', snapshotsRecorded: 1 });
  });

  it('is planned by the same word, which changes no other plan', () => {
    const plan = { tasks: ['mnist/mlp'], epochs: 2 };
    const [whole] = planRuns(plan);
    const [sampled] = planRuns({ ...plan, scalarsPerTensor: 100 });
    expect(whole).not.toHaveProperty('scalarsPerTensor');
    expect(sampled).toMatchObject({ scalarsPerTensor: 100, seed: whole.seed });
    expect(sampled.id).not.toBe(whole.id);
    expect(() => planRuns({ ...plan, scalarsPerTensor: 0 })).toThrow(
      /^scalarsPerTensor must be a whole number from 1 .*, not 0/,
    );
    expect(() => new TrajectoryRecorder({ store, scalarsPerTensor: 1.5 })).toThrow(
      /^scalarsPerTensor must be .*not 1\.5/,
    );
  });
});

describe('a reader', () => {
  const size = 5001;
  const random = new Random(1);
  const first = Float32Array.from({ length: size }, () => 3 + random.normal());
  const second = first.map((value) => value + 1e-3 * random.normal());
  const places = Uint32Array.of(0, 17, 4999, 5000);

  it.each([
    ['in memory', memoryReader, 1e-12],
    ['on a device', deviceReader, 1e-6],
  ])('%s gives chosen scalars bit for bit, and statistics', async (_, make, tolerance) => {
    for (const positions of [places, null]) {
      const reader = make(positions);
      const before = tf.memory().numTensors;
      for (const [values, last] of [
        [first, undefined],
        [second, first],
        [second, second],
      ] as const) {
        const tensor = tf.tensor2d(values, [3, 1667]);
        const sample = await reader.read(tensor);
        tensor.dispose();
        expect(sample.values).toEqual(positions === null ? values : Float32Array.from(positions, (i) => values[i]));
        expectClose(sample.statistics, statisticsOf(values, last), tolerance);
      }
      reader.dispose();
      expect(tf.memory().numTensors).toBeLessThanOrEqual(before);
    }
  });

  it('gives nothing of a tensor without values', async () => {
    const { values, statistics } = await memoryReader(null).read(tf.zeros([0, 4]));
    expect(values).toHaveLength(0);
    expect(statistics).toEqual({ mean: 0, rms: 0, changeMean: Number.NaN, changeRms: Number.NaN });
  });
});

describe('what is wrong is told in one line', () => {
  const info = {
    id: 'wrong',
    source: 'callback' as const,
    task: null,
    architecture: null,
    optimizer: null,
    hyperparameters: {},
    seed: null,
    engine: null,
    epochsPlanned: null,
    scalarsPerTensor: 2,
  };
  const tensors = [{ name: 'w', kind: 'bias' as const, shape: [2], sampledFrom: [4] }];
  const create = (positions: number[]) =>
    RunWriter.create(join(root, 'wrong'), info, tensors, {}, new Map([['w', Uint32Array.from(positions)]]));

  it.each([
    ['positions out of range', [1, 4], /^w: position 4 in a tensor of 4 values: run wrong; /],
    ['positions that descend', [3, 1], /^w: position 1 after 3: run wrong; /],
    ['a position twice', [1, 1], /^w: position 1 after 1: run wrong; /],
    ['too few positions', [1], /^w: 1 positions in place of 2: run wrong; /],
  ])('%s', (_, positions, message) => {
    expect(() => create(positions)).toThrow(message);
    expect(() => create(positions)).toThrow(WnnError);
  });

  it('missing statistics, and a damaged or missing file of positions', async () => {
    const writer = create([0, 3]);
    await expect(writer.append({ epoch: 0, values: [Float32Array.of(1, 2)], metrics: {} })).rejects.toThrow(
      /^statistics of 0 tensors in place of 1: run wrong, epoch 0; /,
    );
    writer.abandon();
    const directory = join(root, 'wrong', 'run=wrong');
    const path = join(directory, 'positions.arrow');
    const manifest = readManifest(directory);
    const good = readFileSync(path);
    const bad = Buffer.from(good);
    bad[bad.length >> 1] ^= 1;
    writeFileSync(path, bad);
    expect(() => readPositions(directory, manifest)).toThrow(
      /^damaged positions \(wrong checksum\): .*positions\.arrow; /,
    );
    rmSync(path);
    expect(() => readPositions(directory, manifest)).toThrow(
      /^damaged positions \(the file is missing or unreadable\)/,
    );
    const spoil = (changes: object) =>
      writeFileSync(join(directory, 'run.json'), JSON.stringify({ ...manifest, ...changes }));
    spoil({ scalarsPerTensor: undefined });
    expect(() => readManifest(directory)).toThrow(/positions without scalarsPerTensor/);
    spoil({ tensors: [{ ...tensors[0], sampledFrom: [2] }] });
    expect(() => readManifest(directory)).toThrow(/w holds \[2\] of \[2\] with 2 scalars a tensor/);
  });
});
