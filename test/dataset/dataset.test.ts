// The stage as a whole, in the calling thread: which samples come out, and what is refused.

import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { buildDataset, type DatasetOptions } from '../../src/dataset/index.js';
import {
  CorruptFileError,
  InsufficientDataError,
  MissingFileError,
  SchemaVersionError,
  UsageError,
} from '../../src/errors.js';
import { findFamily, registerFamily } from '../../src/families/index.js';
import type { TrainedKind } from '../../src/nowcaster/spec.js';
import { openSamples, readDatasetManifest, readShard, type Samples, type Split } from '../../src/samples/index.js';
import { RunWriter } from '../../src/trajectory/runWriter.js';
import { choosePositions } from '../../src/trajectory/sampling.js';
import { registerWindowInput } from '../../src/windows/inputs/index.js';
import { leftovers } from '../faults/faults.js';
import { makeStore, type ReferenceSample, type RunSketch, referenceOf, TENSORS, valuesOf } from './stores.js';

let dir: string;
let store: string;
let out: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'wnn-dataset-'));
  store = join(dir, 'store');
  out = join(dir, 'samples');
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

const KINDS: TrainedKind[] = ['conv', 'fc', 'bias'];

/** All scalars of every tensor, so that the outcome can be worked out without knowing the draw. */
const build = (more: Partial<DatasetOptions> = {}) =>
  buildDataset({ stores: store, out, scalarsPerTensor: 1e6, threads: 0, ...more });

/** Samples as plain rows, in an order that does not depend on shuffling. */
function rowsOf(samples: Samples): number[][] {
  const { count, inputLength, horizons, windows, targets, scales, runs, runIds } = samples;
  return Array.from({ length: count }, (_, j) => [
    runIds[runs[j]],
    ...windows.subarray(j * inputLength, (j + 1) * inputLength),
    ...targets.subarray(j * horizons, (j + 1) * horizons),
    scales[j],
  ])
    .map((row) => ({ row, key: row.map((value) => String(value)).join() }))
    .sort((a, b) => (a.key < b.key ? -1 : 1))
    .map(({ row }) => row as number[]);
}

function expectSamples(actual: Samples, expected: ReferenceSample[]) {
  const rounded = expected.map(({ run, window, targets, scale }) => [
    run,
    ...[...window, ...targets, scale].map(Math.fround),
  ]);
  const order = rounded.map((row) => ({ row, key: row.join() })).sort((a, b) => (a.key < b.key ? -1 : 1));
  expect(actual.count).toBe(expected.length);
  expect(rowsOf(actual)).toEqual(order.map(({ row }) => row));
}

async function all(kind: TrainedKind, split: Split) {
  return openSamples(out, kind, split);
}

function hashTree(root: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort())
    if (/\.(arrow|json)$/.test(name)) hash.update(name).update(readFileSync(join(root, name)));
  return hash.digest('hex');
}

describe('samples', () => {
  const runs: RunSketch[] = [
    { id: 'a', epochs: 14 },
    { id: 'b', epochs: 11 },
    { id: 'c', epochs: 17 },
  ];

  async function expectAll(options: Partial<DatasetOptions>, reference: Parameters<typeof referenceOf>[2]) {
    const { manifest } = await build(options);
    for (const kind of options.kinds ?? KINDS)
      for (const split of ['train', 'val'] as const) {
        const ids = manifest.runs.filter((run) => run.split === split).map(({ id }) => id);
        const expected = runs
          .filter(({ id }) => ids.includes(id))
          .flatMap((run) => referenceOf(run, kind, reference).samples);
        expectSamples(await all(kind, split), expected);
      }
    return manifest;
  }

  it('are those of a float64 computation of every window', async () => {
    await makeStore(store, runs);
    const manifest = await expectAll({}, {});
    expect(manifest.runs.map(({ split }) => split).sort()).toEqual(['train', 'train', 'val']);
    expect(manifest.kinds.conv!).toMatchObject({ tensors: 3, seen: 72 * 15, drawn: 72 * 15, samples: 72 * 15 });
  });

  it('follow window length, horizons, stride and first epoch', async () => {
    await makeStore(store, runs);
    await expectAll(
      { inputLength: 3, horizons: [1, 4], windowStride: 2, firstSnapshot: 2 },
      { length: 3, horizons: [1, 4], stride: 2, firstSnapshot: 2 },
    );
  });

  it('are raw without normalization', async () => {
    await makeStore(store, runs);
    await expectAll({ normalization: 'none' }, { normalize: false });
  });

  it('come from other kinds where asked, never from moving statistics', async () => {
    await makeStore(store, runs);
    const byDefault = await expectAll({}, {});
    expect(Object.keys(byDefault.kinds)).toEqual(KINDS);
    const manifest = await expectAll({ kinds: ['embedding', 'norm', 'fc'] }, {});
    expect(Object.keys(manifest.kinds)).toEqual(['fc', 'norm', 'embedding']);
    expect(manifest.kinds.norm!).toMatchObject({ tensors: 3, seen: 4 * 15 });
    expect(manifest.kinds.embedding!).toMatchObject({ tensors: 3, seen: 14 * 15 });
    await expect(openSamples(out, 'conv', 'train')).rejects.toThrow(
      /^samples of fc, norm, embedding, not of kind conv: .*dataset\.json; build them with wnn dataset --kind conv fc norm embedding$/,
    );
    await expect(build({ kinds: ['other' as 'norm'] })).rejects.toThrow(
      /^no kind other: --kind; use conv, fc, bias, norm/,
    );
    await expect(build({ kinds: [] })).rejects.toThrow(/^no kinds: --kind; use conv/);
  });

  it('come in many shards of about the size asked for', async () => {
    const long = [{ id: 'x', epochs: 60 }];
    await makeStore(store, long);
    const { manifest } = await build({ shardRows: 1000 });
    const { shards, samples } = manifest.kinds.fc!.splits.train;
    expect(samples).toBe(160 * 51);
    expect(shards).toHaveLength(9);
    for (const { rows } of shards) expect(Math.abs(rows - samples / 9)).toBeLessThan(5 * Math.sqrt(samples / 9));
    expectSamples(await all('fc', 'train'), referenceOf(long[0], 'fc').samples);
  });

  it('are in random order', async () => {
    await makeStore(store, [{ id: 'x', epochs: 60 }]);
    await build();
    const samples = await all('fc', 'train');
    // Windows of one scalar overlap: in order of time or of scalars, scales of neighbors would be alike.
    const logs = Array.from(samples.scales, Math.log);
    const mean = logs.reduce((a, b) => a + b) / logs.length;
    const centered = logs.map((value) => value - mean);
    const variance = centered.reduce((sum, value) => sum + value * value, 0);
    const neighbors = centered.slice(1).reduce((sum, value, i) => sum + value * centered[i], 0);
    expect(Math.abs(neighbors / variance)).toBeLessThan(5 / Math.sqrt(logs.length));
  });
});

describe('windows that give no samples', () => {
  it('are counted when they do not change', async () => {
    const still: RunSketch = {
      id: 'still',
      epochs: 20,
      touch: (value, epoch, tensor, scalar) =>
        tensor === 'dense/kernel' && scalar % 4 === 0 ? 0.5 : tensor === 'conv/kernel' && epoch < 8 ? 1 : value,
    };
    await makeStore(store, [still]);
    const { manifest } = await build();
    for (const kind of KINDS) {
      const { samples, still: count } = referenceOf(still, kind);
      expectSamples(await all(kind, 'train'), samples);
      expect(manifest.kinds[kind]!.dropped).toEqual({
        zeroRange: count,
        smallRange: 0,
        nonFinite: 0,
        pastDivergence: 0,
        snapshotGap: 0,
        nowcast: 0,
      });
    }
    expect(manifest.kinds.fc!.dropped.zeroRange).toBe(40 * 11);
  });

  it('are those that hardly move beside the rest of their tensor, when asked', async () => {
    // Every fourth weight of the kernel moves a thousandth as far as the others; every fifth stands still.
    const lame: RunSketch = {
      id: 'lame',
      epochs: 14,
      touch: (value, _epoch, tensor, scalar) =>
        tensor !== 'dense/kernel' ? value : scalar % 5 === 0 ? 0.5 : scalar % 4 === 0 ? 0.5 + value / 1000 : value,
    };
    await makeStore(store, [lame]);
    const { manifest } = await build({ minRange: 0.05 });
    const values = valuesOf(lame);
    const kernel = TENSORS.findIndex(({ name }) => name === 'dense/kernel');
    const kept: string[] = [];
    let small = 0;
    for (let start = 0; start < 5; start++) {
      const windows = Array.from({ length: 160 }, (_, scalar) =>
        Array.from({ length: 5 }, (_, i) => values[start + i][kernel][scalar]),
      );
      const ranges = windows.map((window) => Math.max(...window) - Math.min(...window));
      const moving = ranges.filter((range) => range > 0);
      const least = 0.05 * Math.sqrt(moving.reduce((sum, range) => sum + range * range, 0) / moving.length);
      small += moving.filter((range) => range < least).length;
      for (const range of moving) if (range >= least) kept.push(String(Math.fround(2 * (range + 1e-8 + 1e-5))));
    }
    const { scales } = await all('fc', 'train');
    expect(Array.from(scales, String).sort()).toEqual(kept.sort());
    expect(small).toBe(32 * 5);
    expect(manifest.kinds.fc!.dropped).toMatchObject({ zeroRange: 32 * 5, smallRange: small });
    expect(manifest.sampling.minRange).toBe(0.05);
    expect((await build({ minRange: 0.05, reuse: true })).reused).toBe(true);
    expect((await build({ minRange: 0.04, reuse: true })).reused).toBe(false);
    await expect(build({ minRange: 1 })).rejects.toThrow(/impossible minRange: 1/);
  });

  it('are those that hold or predict a value that is not finite', async () => {
    const spoilt: RunSketch = {
      id: 'spoilt',
      epochs: 15,
      touch: (value, epoch, tensor, scalar) =>
        tensor === 'dense/kernel' && scalar === 7 && epoch === 12 ? Number.NaN : value,
    };
    await makeStore(store, [spoilt]);
    const { manifest } = await build();
    // Of the starts 0 to 5, windows 3, 4 and 5 reach past epoch 12 or predict it at 3 (3 + 4 + 5).
    expect(manifest.kinds.fc!.dropped.nonFinite).toBe(1);
    expectSamples(
      await all('fc', 'train'),
      referenceOf(spoilt, 'fc').samples.filter(({ window, targets }) => [...window, ...targets].every(Number.isFinite)),
    );
  });

  it('are those past the divergence of a run', async () => {
    const diverged: RunSketch = {
      id: 'diverged',
      epochs: 20,
      status: 'diverged',
      touch: (value, epoch, tensor) => (epoch >= 14 && tensor === 'dense/bias' ? Number.NaN : value),
    };
    await makeStore(store, [diverged]);
    const { manifest } = await build();
    expect(manifest.runs[0].snapshots).toBe(14);
    for (const kind of KINDS)
      expectSamples(await all(kind, 'train'), referenceOf({ ...diverged, epochs: 14 }, kind).samples);
    expect(manifest.kinds.conv!).toMatchObject({
      drawn: 72 * 11,
      samples: 72 * 5,
      dropped: { pastDivergence: 72 * 6 },
    });
  });

  it('are those across missing epochs', async () => {
    const gap: RunSketch = { id: 'gap', epochs: 25, epochNumber: (i) => (i < 12 ? i : i + 3) };
    await makeStore(store, [gap]);
    const { manifest } = await build();
    // Starts 0 to 2 end before the gap, 12 to 15 begin after it.
    expect(manifest.kinds.bias!).toMatchObject({ drawn: 14 * 16, samples: 14 * 7, dropped: { snapshotGap: 14 * 9 } });
  });

  it('are those across a nowcast', async () => {
    const jumping: RunSketch = { id: 'jumping', epochs: 32, nowcasts: { period: 11, start: 10 } };
    await makeStore(store, [jumping]);
    const { manifest } = await build();
    // Ten epochs each: of the starts 0 to 22, those at 0 and 1 end before or with epoch 10, 11 and 12 before or with 21, 22
    // lies behind it.
    expect(manifest.kinds.bias!).toMatchObject({ drawn: 14 * 23, samples: 14 * 5, dropped: { nowcast: 14 * 18 } });
    for (const kind of KINDS) expectSamples(await all(kind, 'train'), referenceOf(jumping, kind).samples);
  });
});

describe('the draw of scalars', () => {
  it('takes at most N of a tensor, the same ones in each window', async () => {
    const run = { id: 'x', epochs: 13 };
    await makeStore(store, [run]);
    const { manifest } = await build({ scalarsPerTensor: 9 });
    expect(manifest.kinds.conv!).toMatchObject({ seen: 72 * 4, drawn: 9 * 4 });
    expect(manifest.kinds.bias!).toMatchObject({ drawn: (4 + 9) * 4 });
    const full = new Set(referenceOf(run, 'conv').samples.map(({ window }) => window.map(Math.fround).join()));
    const { windows, count } = await all('conv', 'train');
    const drawn = Array.from({ length: count }, (_, j) => windows.subarray(j * 5, j * 5 + 5).join());
    expect(new Set(drawn).size).toBe(36);
    for (const window of drawn) expect(full).toContain(window);
  });

  it('depends on the seed alone', async () => {
    await makeStore(store, [
      { id: 'a', epochs: 13 },
      { id: 'b', epochs: 12 },
    ]);
    const hashes = [];
    for (const [i, seed] of [1, 1, 2].entries()) {
      out = join(dir, `samples-${i}`);
      await build({ seed, scalarsPerTensor: 9 });
      hashes.push(hashTree(out));
    }
    expect(hashes[0]).toBe(hashes[1]);
    expect(hashes[0]).not.toBe(hashes[2]);
  });

  it('gives balanced groups even shares', async () => {
    await makeStore(store, [
      { id: 'long', epochs: 49, architecture: 'lenet' },
      { id: 'short', epochs: 14, architecture: 'mlp' },
      { id: 'other', epochs: 14, architecture: 'mlp' },
    ]);
    const plain = await build({ scalarsPerTensor: 20, validationShare: 0 });
    const drawn = plain.manifest.runs.map(({ samples }) => samples);
    expect(drawn).toEqual([40 * 54, 5 * 54, 5 * 54]);
    await build({ scalarsPerTensor: 20, validationShare: 0, balance: ['architectures'] });
    const count = async (kind: TrainedKind) => {
      const { runs, runIds } = await all(kind, 'train');
      return ['long', 'other', 'short'].map((id) => runs.filter((run) => runIds[run] === id).length);
    };
    // 20 scalars of the kernel over 40 + 5 + 5 starts, half of them for each architecture.
    expect(await count('fc')).toEqual([520, 250, 250]);
    // The two short runs have no more than 14 biases each over 5 starts; the long one keeps all of its own.
    expect(await count('bias')).toEqual([14 * 40, 14 * 5, 14 * 5]);
  });
});

describe('the split', () => {
  it('holds out whole runs, some of each task and architecture that has several', async () => {
    const runs = ['lenet', 'mlp'].flatMap((architecture) =>
      Array.from({ length: 5 }, (_, i) => ({ id: `${architecture}-${i}`, epochs: 10, architecture })),
    );
    await makeStore(store, runs);
    const { manifest } = await build({ validationShare: 0.4 });
    for (const architecture of ['lenet', 'mlp']) {
      const splits = manifest.runs.filter((run) => run.architecture === architecture).map(({ split }) => split);
      expect(splits.filter((split) => split === 'val')).toHaveLength(2);
    }
    const val = await all('fc', 'val');
    const used = new Set(Array.from(val.runs, (run) => val.runIds[run]));
    expect([...used].sort()).toEqual(manifest.runs.filter(({ split }) => split === 'val').map(({ id }) => id));
  });

  it('keeps one run for validation when all are of different kinds, and notes when there is none', async () => {
    await makeStore(store, [
      { id: 'a', epochs: 10, architecture: 'lenet' },
      { id: 'b', epochs: 10, architecture: 'mlp' },
    ]);
    const { manifest } = await build();
    expect(manifest.runs.map(({ split }) => split).sort()).toEqual(['train', 'val']);
    const notes: string[] = [];
    await build({ validationShare: 0, onNote: (note) => notes.push(note) });
    expect(notes).toContainEqual(expect.stringContaining('no run is kept for validation'));
  });

  it('holds out architectures and tasks by name', async () => {
    await makeStore(store, [
      { id: 'a', epochs: 10, architecture: 'ShuffleNetV2' },
      { id: 'b', epochs: 10, architecture: 'resnet32' },
      { id: 'c', epochs: 10, architecture: 'lenet', task: 'cifar10' },
      { id: 'd', epochs: 10, architecture: 'lenet' },
    ]);
    const { manifest } = await build({ holdOut: { architecture: ['shufflenetv2', 'resnet-32'], task: ['CIFAR-10'] } });
    expect(manifest.runs.map(({ id, split }) => `${id} ${split}`)).toEqual(['a val', 'b val', 'c val', 'd train']);
    await expect(build({ holdOut: { architecture: ['vgg'] } })).rejects.toThrow(/no run of architecture vgg.*lenet/);
    await expect(build({ holdOut: { task: ['mnist', 'cifar10'] } })).rejects.toThrow(InsufficientDataError);
  });
});

describe('resampled', () => {
  const every = (n: number) => ({ unit: 'step', every: n }) as const;
  const shardsOf = (root: string) =>
    readdirSync(root, { recursive: true, encoding: 'utf8' })
      .filter((name) => name.endsWith('.arrow'))
      .sort()
      .map((name) => [name, readFileSync(join(root, name))]);

  it('runs give the bytes of runs that were recorded at the coarser cadence', async () => {
    const runs: RunSketch[] = [
      { id: 'a', epochs: 45, cadence: every(100) },
      { id: 'b', epochs: 50, cadence: every(100) },
    ];
    await makeStore(store, runs);
    const coarse = join(dir, 'coarse');
    await makeStore(
      coarse,
      runs.map((run) => ({ ...run, cadence: every(300), keepEvery: 3 })),
    );
    // Drawn, with a first snapshot, on a thread, so that every way of reading counts.
    const options = { scalarsPerTensor: 20, firstSnapshot: 2, threads: 1 };
    const { manifest } = await build({ ...options, resample: every(300) });
    const thinned = shardsOf(out);
    const { manifest: wanted } = await build({ ...options, stores: coarse, out: join(dir, 'wanted') });
    expect({ ...manifest, runs: [] }).toEqual({ ...wanted, runs: [] });
    expect(thinned.length).toBeGreaterThan(4);
    expect(thinned).toEqual(shardsOf(join(dir, 'wanted')));
    expect(manifest.runs[0]).toMatchObject({ snapshots: 13, resampledFrom: every(100) });
    expect(wanted.runs[0]).not.toHaveProperty('resampledFrom');
  });

  it('runs of several cadences meet at a common multiple, epochs too where the run says their steps', async () => {
    await makeStore(store, [
      { id: 'fine', epochs: 48, cadence: every(50) },
      { id: 'given', epochs: 12, cadence: every(200) },
      { id: 'epochs', epochs: 24, stepsPerEpoch: 100 },
    ]);
    await expect(build()).rejects.toThrow(/^snapshots every epoch and every 50 steps: .*run=epochs and .*run=fine; /);
    const { manifest } = await build({ resample: every(200) });
    expect(manifest.cadence).toEqual(every(200));
    expect(manifest.runs.map(({ id, snapshots }) => [id, snapshots])).toEqual([
      ['epochs', 12],
      ['fine', 12],
      ['given', 12],
    ]);
    const again = await build({ resample: every(200), reuse: true });
    expect(again.reused).toBe(true);
    expect((await build({ resample: every(400), inputLength: 2, horizons: [1], reuse: true })).reused).toBe(false);
    const epochs = await build({ resample: { unit: 'epoch', every: 2 }, stores: store }).catch((error) => error);
    expect(epochs.message).toMatch(/^cannot resample snapshots every 50 steps to every 2 epochs: the run does not say/);
  });

  it('windows keep away from nowcasts, which are numbered as the run was', async () => {
    const jumping: RunSketch = { id: 'j', epochs: 60, cadence: every(10), nowcasts: { period: 22, start: 21 } };
    await makeStore(store, [jumping]);
    const { manifest } = await build({ resample: every(20), validationShare: 0 });
    // 30 snapshots, nowcasts behind the snapshots 10, 21 of them: of 21 starts those at 0, 1, 11, 12 span none.
    expect(manifest.kinds.bias!).toMatchObject({ samples: 14 * 4, dropped: { nowcast: 14 * 17 } });
  });

  it('is refused where the cadence is no multiple', async () => {
    await makeStore(store, [{ id: 'a', epochs: 24, cadence: every(100) }]);
    await expect(build({ resample: every(250) })).rejects.toThrow(
      /^cannot resample snapshots every 100 steps to every 250 steps: every 250 steps is no multiple of every 100 steps: .*run=a; /,
    );
    await expect(build({ resample: every(50) })).rejects.toThrow(/every 50 steps is no multiple of every 100 steps/);
    await expect(build({ resample: { unit: 'batch' as 'step', every: 1 } })).rejects.toThrow(
      /^the unit of a cadence is epoch or step, not "batch": resample; /,
    );
  });
});

describe('sampled runs', () => {
  /** The run whole, and with some scalars of each tensor. */
  async function makeSampled(run: RunSketch): Promise<Map<string, Uint32Array>> {
    const positions = new Map<string, Uint32Array>();
    const specs = TENSORS.map((spec) => {
      const size = spec.shape.reduce((product, length) => product * length, 1);
      if (size <= 12) return spec;
      positions.set(spec.name, choosePositions(1, spec.name, size, 12));
      return { ...spec, shape: [12], sampledFrom: spec.shape };
    });
    const info = { id: run.id, source: 'zoo', task: 'mnist', architecture: 'lenet', optimizer: null } as const;
    const rest = { hyperparameters: {}, seed: 1, engine: null, epochsPlanned: run.epochs, scalarsPerTensor: 12 };
    const writer = RunWriter.create(store, { ...info, ...rest }, specs, {}, positions);
    const statistics = specs.map(() => ({ mean: 0, rms: 1, changeMean: 0, changeRms: 1 }));
    for (const [epoch, values] of valuesOf(run).entries()) {
      const kept = specs.map(({ name }, t) => {
        const places = positions.get(name);
        return places === undefined ? values[t] : Float32Array.from(places, (i) => values[t][i]);
      });
      await writer.append({ epoch, values: kept, statistics, metrics: {} });
    }
    await writer.finish('complete');
    return positions;
  }

  it('give the windows of the scalars that they hold, and dataset.json says so', async () => {
    const run = { id: 's', epochs: 14 };
    const positions = await makeSampled(run);
    const { manifest } = await build({ validationShare: 0 });
    expect(manifest.runs[0]).toMatchObject({ id: 's', scalarsPerTensor: 12, snapshots: 14 });
    for (const kind of KINDS) {
      // The whole run with all other scalars standing still, which gives no samples of them.
      const held: RunSketch = {
        ...run,
        touch: (value, _, tensor, scalar) => ((positions.get(tensor)?.includes(scalar) ?? true) ? value : 0),
      };
      expectSamples(await all(kind, 'train'), referenceOf(held, kind).samples);
    }
    expect(manifest.kinds.fc!).toMatchObject({ seen: 12 * 5, drawn: 12 * 5 });
    const fewer = await build({ validationShare: 0, scalarsPerTensor: 5 });
    expect(fewer.manifest.kinds.fc!.drawn).toBe(5 * 5);
  });

  it('tell further inputs where their scalars stand in the whole tensor', async () => {
    registerWindowInput({
      name: 'position',
      width: () => 1,
      fill({ positions, count }, rows, offset, stride) {
        for (let j = 0; j < count; j++) rows[offset + j * stride] = positions[j];
      },
    });
    registerFamily({ ...findFamily('wnn')!, id: 'positioned', inputs: ['window', 'position'] });
    const positions = await makeSampled({ id: 's', epochs: 14 });
    for (const scalarsPerTensor of [12, 4]) {
      const { manifest } = await build({ family: 'positioned', scalarsPerTensor, validationShare: 0 });
      const { file } = manifest.kinds.fc!.splits.train.shards[0];
      const { inputs } = await readShard(join(out, file), { inputs: [{ name: 'position', width: 1 }] });
      const seen = new Set(inputs.position);
      expect(seen.size).toBe(scalarsPerTensor);
      for (const place of seen) expect(positions.get('dense/kernel')).toContain(place);
    }
    const path = join(store, 'run=s', 'positions.arrow');
    truncateSync(path, 100);
    await expect(build({ family: 'positioned' })).rejects.toThrow(
      /^damaged positions \(wrong checksum\): .*positions\.arrow/,
    );
  });
});

describe('dataset.json', () => {
  it('tells the distribution of targets', async () => {
    const run = { id: 'x', epochs: 60 };
    await makeStore(store, [run]);
    const { manifest } = await build({ horizons: [1, 5] });
    const reference = referenceOf(run, 'conv', { horizons: [1, 5] }).samples;
    for (const [h, { horizon, quantiles, mean }] of manifest.kinds.conv!.targets.entries()) {
      const targets = reference.map((sample) => Math.fround(sample.targets[h])).sort((a, b) => a - b);
      expect(horizon).toBe([1, 5][h]);
      for (const { probability, value } of quantiles) {
        const exact = targets[Math.ceil(probability * (targets.length - 1))];
        expect(Math.abs(value - exact), `quantile ${probability}`).toBeLessThanOrEqual(0.005 * Math.abs(exact) + 1e-9);
      }
      expect(mean).toBeCloseTo(targets.reduce((a, b) => a + b) / targets.length, 6);
    }
  });

  it('lets samples be reused that the same command made, and only those', async () => {
    await makeStore(store, [
      { id: 'a', epochs: 12 },
      { id: 'b', epochs: 12 },
    ]);
    const first = await build({ reuse: true });
    expect(first.reused).toBe(false);
    const again = await build({ reuse: true });
    expect(again).toMatchObject({ reused: true, manifest: first.manifest });
    expect((await build({ reuse: true, seed: 5 })).reused).toBe(false);
    expect((await build({ reuse: true, seed: 5 })).reused).toBe(true);
    const { file } = first.manifest.kinds.fc!.splits.train.shards[0];
    truncateSync(join(out, file), 100);
    expect((await build({ reuse: true, seed: 5 })).reused).toBe(false);
    await makeStore(store, [{ id: 'c', epochs: 12 }]);
    expect((await build({ reuse: true, seed: 5 })).reused).toBe(false);
  });

  it('is refused when damaged or of another version', async () => {
    await makeStore(store, [{ id: 'a', epochs: 12 }]);
    await build();
    const path = join(out, 'dataset.json');
    const good = JSON.parse(readFileSync(path, 'utf8'));
    const spoil = (changes: object) => writeFileSync(path, JSON.stringify({ ...good, ...changes }));
    spoil({ schemaVersion: 99 });
    expect(() => readDatasetManifest(out)).toThrow(SchemaVersionError);
    spoil({ inputLength: 'five' });
    expect(() => readDatasetManifest(out)).toThrow(CorruptFileError);
    spoil({ kinds: { ...good.kinds, fc: {} } });
    expect(() => readDatasetManifest(out)).toThrow(/kinds\.fc/);
    spoil({ kinds: { ...good.kinds, other: good.kinds.fc } });
    expect(() => readDatasetManifest(out)).toThrow(/kinds\.other/);
    spoil({ kinds: {} });
    expect(() => readDatasetManifest(out)).toThrow(/at least one kind/);
    writeFileSync(path, '{"schemaVersion": 1');
    expect(() => readDatasetManifest(out)).toThrow(CorruptFileError);
    expect(() => readDatasetManifest(join(dir, 'nowhere'))).toThrow(MissingFileError);
  });
});

describe('a build is refused or ended', () => {
  it('for options that cannot be', async () => {
    for (const options of [
      { inputLength: 1 },
      { horizons: [] },
      { horizons: [3, 2] },
      { scalarsPerTensor: 0 },
      { windowStride: 1.5 },
      { validationShare: 1 },
      { memory: 1000 },
      { stores: [] },
      { balance: ['weights' as never] },
      { validationShare: 0.5, holdOut: { task: ['mnist'] } },
    ])
      await expect(build(options), JSON.stringify(options)).rejects.toThrow(UsageError);
  });

  it('without a usable run', async () => {
    await expect(build()).rejects.toThrow(MissingFileError);
    mkdirSync(store);
    await expect(build()).rejects.toThrow(InsufficientDataError);
    await makeStore(store, [{ id: 'a', epochs: 12, status: 'interrupted' }]);
    await expect(build()).rejects.toThrow(/no complete run \(1 interrupted\)/);
    expect((await build({ includeInterrupted: true })).manifest.runs).toHaveLength(1);
    await makeStore(store, [{ id: 'b', epochs: 9 }]);
    await expect(build()).rejects.toThrow(/at most 9 usable snapshots, a window and its future need 10/);
  });

  it('when nothing moves', async () => {
    await makeStore(store, [{ id: 'a', epochs: 12, touch: () => 1 }]);
    await expect(build()).rejects.toThrow(/no training samples \(dropped windows: 738 without change/);
    expect(readdirSync(dir)).toEqual(['store']);
  });

  it('when two stores hold the same run', async () => {
    await makeStore(store, [{ id: 'a', epochs: 12 }]);
    await makeStore(join(dir, 'other'), [{ id: 'a', epochs: 12 }]);
    await expect(build({ stores: [store, join(dir, 'other')] })).rejects.toThrow(/two runs named a/);
  });

  it('when runs have snapshots of different cadences', async () => {
    const cadence = { unit: 'step', every: 100 } as const;
    await makeStore(store, [
      { id: 'a', epochs: 12 },
      { id: 'b', epochs: 12, cadence },
    ]);
    await expect(build()).rejects.toThrow(
      /^snapshots every epoch and every 100 steps: .*run=a and .*run=b; build from runs of one cadence, or --resample/,
    );
    await makeStore(join(dir, 'steps'), [{ id: 'c', epochs: 12, cadence }]);
    const { manifest } = await build({ stores: [join(dir, 'steps')] });
    expect(manifest.cadence).toEqual(cadence);
  });

  it('rather than replace what is not samples', async () => {
    await makeStore(store, [{ id: 'a', epochs: 12 }]);
    mkdirSync(out);
    writeFileSync(join(out, 'thesis.tex'), 'years of work');
    await expect(build()).rejects.toThrow(UsageError);
    expect(readFileSync(join(out, 'thesis.tex'), 'utf8')).toBe('years of work');
  });

  it('by a damaged run, and leaves earlier samples as they were', async () => {
    await makeStore(store, [
      { id: 'a', epochs: 12 },
      { id: 'b', epochs: 12 },
    ]);
    await build();
    const before = hashTree(out);
    const run = join(store, 'run=b');
    truncateSync(
      join(run, readdirSync(run).find((name) => name.endsWith('.parquet') && name.startsWith('weights'))!),
      50,
    );
    await expect(build({ seed: 3 })).rejects.toThrow(CorruptFileError);
    expect(hashTree(out)).toBe(before);
    expect(leftovers(dirname(out))).toEqual([]);
  });

  it('by a signal', async () => {
    await makeStore(store, [
      { id: 'a', epochs: 12 },
      { id: 'b', epochs: 12 },
    ]);
    const controller = new AbortController();
    const built = build({ signal: controller.signal });
    controller.abort(new Error('enough'));
    await expect(built).rejects.toThrow('enough');
    expect(readdirSync(dir)).toEqual(['store']);
  });
});

it('a run is used whole when its tensors have other names, ranks and order', async () => {
  const tensors = [
    { name: 'b', kind: 'bias' as const, shape: [1] },
    { name: 'a', kind: 'conv' as const, shape: [2, 1, 1] },
    { name: 'empty', kind: 'fc' as const, shape: [0, 4] },
  ];
  const run = { id: 'odd', epochs: 12, tensors };
  await makeStore(store, [run, { id: 'plain', epochs: 12, tensors: TENSORS }]);
  const { manifest } = await build({ validationShare: 0 });
  expect(manifest.runs.map(({ samples }) => samples)).toEqual([3 * 3, (72 + 14 + 160) * 3]);
});
