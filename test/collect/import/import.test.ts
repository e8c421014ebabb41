import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { basename, join } from 'node:path';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import * as tfl from '@tensorflow/tfjs-layers';
import { describe, expect, test } from 'vitest';
import { type ImportOptions, importCheckpoints, RefusedFormatError } from '../../../src/collect/import/index.js';
import { orderByName } from '../../../src/collect/import/order.js';
import { CorruptFileError, InsufficientDataError, MismatchError, UsageError } from '../../../src/errors.js';
import { newAttempt, temporaryName } from '../../../src/files/temporary.js';
import { encodeSafetensors } from '../../../src/formats/safetensors.js';
import { readManifest, readSnapshots } from '../../../src/trajectory/runReader.js';
import { scratch } from './fixtures.js';
import { bytesOf, makeNpy, makeNpz, makeSafetensors, makeZip, put, putSharded, putTfjs } from './makeFiles.js';

let places = 0;
/** A directory of its own. */
const place = () => join(scratch, `place-${places++}`);

async function importInto(sources: string[], options: Partial<ImportOptions> = {}) {
  const store = options.store ?? join(place(), 'store');
  const { runs } = await importCheckpoints({ sources, id: 'r', ...options, store });
  const { tensors } = readManifest(runs[0].directory);
  const epochs: Record<string, number[]>[] = [];
  for await (const { values } of readSnapshots(runs[0].directory))
    epochs.push(Object.fromEntries(tensors.map(({ name }, i) => [name, [...values[i]]])));
  return { run: runs[0], tensors, epochs, store };
}

/** Two checkpoints of one tensor `w`, of the values given. */
function putPair(first = [1, 2], second = [3, 4]): string[] {
  const directory = place();
  return [first, second].map((values, i) =>
    put(join(directory, `${i}.safetensors`), makeSafetensors({ w: [[values.length], values] })),
  );
}

describe('the cadence of a run', () => {
  test.each([
    [['checkpoint-500', 'checkpoint-1000', 'checkpoint-1500'], { unit: 'step', every: 500 }],
    [['model_step=199', 'model_step=399'], { unit: 'step', every: 200 }],
    [['iter_1', 'iter_2'], { unit: 'step', every: 1 }],
    [['epoch_01', 'epoch_03'], { unit: 'epoch', every: 2 }],
    [['ckpt_1', 'ckpt_2'], { unit: 'epoch', every: 1 }],
    [['step_100', 'step_200', 'step_500'], { unit: 'epoch', every: 1 }],
    [['1', '2'], { unit: 'epoch', every: 1 }],
  ])('of %s', async (names, cadence) => {
    const directory = place();
    const files = names.map((name, i) =>
      put(join(directory, `${name}.safetensors`), makeSafetensors({ w: [[1], [i]] })),
    );
    const { run } = await importInto(files);
    expect(readManifest(run.directory).cadence).toEqual(cadence);
  });
});

describe('the order of checkpoints', () => {
  const numbersIn = (names: string[]) => {
    const { items, numbers } = orderByName(
      names.map((name) => ({ name, path: name })),
      'number',
    );
    const numberOf = new Map(items.map(({ name }, i) => [name, numbers?.[i]]));
    return names.map((name) => numberOf.get(name));
  };

  test('is that of the number with a word, else of the one that is even and agrees with the order of names', () => {
    expect(numbersIn(['e10', 'e9', 'e1'])).toEqual([10, 9, 1]);
    expect(numbersIn(['weights.01-0.52', 'weights.02-0.52'])).toEqual([1, 2]);
    expect(numbersIn(['3-of-90', '12-of-90'])).toEqual([3, 12]);
    expect(numbersIn(['resnet20-e5-v2', 'resnet20-e7-v2'])).toEqual([5, 7]);
    expect(numbersIn(['epoch01_acc41', 'epoch02_acc58', 'epoch03_acc55'])).toEqual([1, 2, 3]);
    expect(numbersIn(['acc41_epoch3', 'acc58_epoch2', 'acc55_epoch1'])).toEqual([3, 2, 1]);
    expect(numbersIn(['model-001-903', 'model-002-412', 'model-003-420'])).toEqual([1, 2, 3]);
    expect(numbersIn(['e1-5e-03', 'e2-4e-03', 'e3-1e-03'])).toEqual([1, 2, 3]);
    expect(numbersIn(['net_1-20251103-0931', 'net_2-20251103-1015', 'net_3-20251104-0002'])).toEqual([1, 2, 3]);
    expect(numbersIn(['net-20251103-0931', 'net-20251103-1015', 'net-20251104-0002'])).toEqual([
      20251103093100, 20251103101500, 20251104000200,
    ]);
    expect(numbersIn(['epoch=3-step=400', 'epoch=4-step=500', 'epoch=10-step=1100'])).toEqual([3, 4, 10]);
    expect(numbersIn(['epoch=0-step=400', 'epoch=0-step=800', 'epoch=1-step=1200'])).toEqual([400, 800, 1200]);
    expect(numbersIn(['run_7/checkpoint-500/model', 'run_7/checkpoint-1000/model'])).toEqual([500, 1000]);
    expect(numbersIn(['iter_0002000_loss3', 'iter_0001000_loss9'])).toEqual([2000, 1000]);
    expect(numbersIn(['globalStep20', 'globalStep10'])).toEqual([20, 10]);
  });

  test('is refused where the names tell none, or two, which are shown', () => {
    expect(() => numbersIn(['a', 'b1'])).toThrow(/no number .*--order name/);
    expect(() => numbersIn(['x1', 'y1'])).toThrow(/no number/);
    expect(() => numbersIn(['acc41', 'acc58', 'acc55'])).toThrow(/no number/);
    expect(() => numbersIn(['m-1-903', 'm-2-412', 'm-9-300'])).toThrow(
      /two orders: m-1-903, m-2-412, m-9-300; or m-9-300, m-2-412, m-1-903: .*--order name.*--order last-number/,
    );
    expect(() => numbersIn(['epoch1-step300', 'epoch2-step200'])).toThrow(/two orders: epoch1-.*; or epoch2-/);
    expect(() => numbersIn(['a_3', 'b_1', 'c_2'])).toThrow(/two orders: a_3, b_1, c_2; or b_1, c_2, a_3/);
  });

  const files = () => {
    const directory = place();
    return ['e10-b', 'e9-c', 'e1-a'].map((name, i) => put(join(directory, `${name}.npz`), makeNpz({ w: [[1], [i]] })));
  };

  test('by number, by name, as given', async () => {
    const firstOf = async (order?: ImportOptions['order']) => {
      const { epochs } = await importInto(files(), { order });
      return epochs.map(({ w }) => w[0]);
    };
    expect(await firstOf()).toEqual([2, 1, 0]);
    expect(await firstOf('name')).toEqual([2, 1, 0]);
    expect(await firstOf('given')).toEqual([0, 1, 2]);
  });

  test('takes the number of the directory where every file is called the same, and tells of gaps', async () => {
    const directory = place();
    for (const epoch of [1, 2, 10, 9]) putTfjs(join(directory, `epoch-${epoch}`), { w: [[1], [epoch]] });
    const notes: string[] = [];
    const { epochs } = await importInto([directory], { onNote: (note) => notes.push(note) });
    expect(epochs.map(({ w }) => w[0])).toEqual([1, 2, 9, 10]);
    expect(notes[0]).toMatch(/2 is followed by 9/);
  });

  test('must be given where no number tells them apart', async () => {
    const directory = place();
    const sources = ['a', 'b'].map((name) => put(join(directory, `${name}.npz`), makeNpz({ w: [[1], [1]] })));
    await expect(importInto(sources)).rejects.toThrow(/^no number in the names .*--order name/);
  });
});

describe('checkpoints in several safetensors files', () => {
  const tensors = (epoch: number): Record<string, [number[], number[]]> => ({
    'a.weight': [[2, 3], Array.from({ length: 6 }, (_, i) => 10 * epoch + i)],
    'a.bias': [[2], [epoch, -epoch]],
    'b.weight': [
      [1, 2],
      [epoch, 7],
    ],
  });
  const secondShard = (directory: string) => join(directory, 'model-00002-of-00003.safetensors');
  const putAll = () => {
    const directory = place();
    for (const epoch of [1, 2, 10]) putSharded(join(directory, `checkpoint-${epoch}`), tensors(epoch));
    return directory;
  };

  test('are one checkpoint an index, found in directories and among named files, as if each were one file', async () => {
    const directory = putAll();
    const whole = [1, 2, 10].map((epoch) =>
      put(join(directory, 'whole', `${epoch}.safetensors`), makeSafetensors(tensors(epoch))),
    );
    const expected = await importInto(whole);
    expect(expected.epochs[2]['a.weight']).toEqual([100, 103, 101, 104, 102, 105]);
    rmSync(join(directory, 'whole'), { recursive: true });
    const named = [1, 2, 10].flatMap((epoch) => {
      const inner = join(directory, `checkpoint-${epoch}`);
      return readdirSync(inner).map((name) => join(inner, name));
    });
    expect(named).toHaveLength(12);
    for (const sources of [[directory], named]) {
      const { epochs, tensors: specs, run } = await importInto(sources);
      expect(epochs).toEqual(expected.epochs);
      expect(new Map(specs.map((spec) => [spec.name, spec]))).toEqual(
        new Map(expected.tensors.map((spec) => [spec.name, spec])),
      );
      expect(run.files.map((file) => basename(file))).toEqual(new Array(3).fill('model.safetensors.index.json'));
    }
  });

  test('may lie side by side in one directory', async () => {
    const directory = place();
    for (const epoch of [1, 2]) {
      put(join(directory, `e${epoch}-1.safetensors`), makeSafetensors({ w: [[1], [epoch]] }));
      put(join(directory, `e${epoch}-2.safetensors`), makeSafetensors({ v: [[1], [-epoch]] }));
      const weight_map = { v: `e${epoch}-2.safetensors`, w: `e${epoch}-1.safetensors` };
      put(join(directory, `e${epoch}.safetensors.index.json`), JSON.stringify({ weight_map }));
    }
    const { epochs } = await importInto([directory]);
    expect(epochs).toEqual([
      { w: [1], v: [-1] },
      { w: [2], v: [-2] },
    ]);
  });

  test('whose files are missing, swapped or elsewhere are refused by name', async () => {
    const directory = putAll();
    const second = join(directory, 'checkpoint-2');
    const index = join(second, 'model.safetensors.index.json');
    const store = join(place(), 'store');
    const refuse = async (pattern: RegExp) => {
      const importing = importInto([directory], { store });
      await expect(importing).rejects.toThrow(CorruptFileError);
      await expect(importing).rejects.toThrow(pattern);
      expect(existsSync(store)).toBe(false);
    };
    const [file, map] = [readFileSync(secondShard(second)), readFileSync(index, 'utf8')];
    rmSync(secondShard(second));
    await refuse(
      /of its 3 files model-00002-of-00003\.safetensors is not beside it.*checkpoint-2.model\.safetensors\.index/,
    );
    put(secondShard(second), makeSafetensors({ 'a.weight': tensors(2)['a.weight'] }));
    await refuse(/a\.bias is missing, which .*index\.json has in it.*checkpoint-2.model-00002/);
    put(secondShard(second), makeSafetensors({ 'a.bias': [[2], [1, 2]], more: [[1], [1]] }));
    await refuse(/more stands in it, but .*index\.json does not have it there/);
    put(secondShard(second), file);
    put(index, map.replace('model-00002', '../checkpoint-1/model-00002'));
    await refuse(/is no file beside it/);
    for (const [text, pattern] of [
      ['{}', /no weight_map/],
      ['{"weight_map": {}}', /empty/],
      ['{"weight_map": {"w": 3}}', /3 is no file beside it/],
      ['[', /not JSON/],
    ] as const) {
      put(index, text);
      await refuse(pattern);
    }
    put(index, map);
    expect((await importInto([directory], { store })).epochs).toHaveLength(3);
  });
});

describe('numbers of every type become float32', () => {
  test('safetensors: F64, F16, BF16; whole numbers and the optimizer are left out', async () => {
    const directory = place();
    const bytes = encodeSafetensors({
      d: { dtype: 'F64', shape: [1], data: bytesOf(Float64Array.of(0.1)) },
      h: { dtype: 'F16', shape: [2], data: bytesOf(Uint16Array.of(0x3c00, 0xc100)) },
      b: { dtype: 'BF16', shape: [2], data: bytesOf(Uint16Array.of(0x3f80, 0xc049)) },
      'bn.num_batches_tracked': { dtype: 'I64', shape: [], data: bytesOf(BigInt64Array.of(3n)) },
      'optimizer.state.0.exp_avg': { dtype: 'F32', shape: [1], data: bytesOf(Float32Array.of(1)) },
    });
    const { run, epochs } = await importInto([1, 2].map((i) => put(join(directory, `${i}.safetensors`), bytes)));
    expect(epochs[0]).toEqual({ d: [Math.fround(0.1)], h: [1, -2.5], b: [1, -3.140625] });
    expect(run.leftOut).toMatchObject({ optimizer: 1, notFloat: 1 });
  });

  test('npy: either byte order, rows or columns first, versions 1 to 3', async () => {
    const directory = place();
    const swapped = Buffer.from(bytesOf(Float64Array.of(1, 2, 3, 4, 5, 6))).swap64();
    const archive = makeZip([
      { name: 'big.npy', data: makeNpy('>f8', [2, 3], swapped, false, 2) },
      {
        name: 'columns.npy',
        data: makeNpy('<f4', [2, 3], bytesOf(Float32Array.of(1, 4, 2, 5, 3, 6)), true),
        deflate: true,
      },
      { name: 'half.npy', data: makeNpy('<f2', [], bytesOf(Uint16Array.of(0x3555)), false, 3) },
      { name: 'step.npy', data: makeNpy('<i8', [], bytesOf(BigInt64Array.of(7n))) },
    ]);
    const { run, tensors, epochs } = await importInto([1, 2].map((i) => put(join(directory, `${i}.npz`), archive)));
    expect(epochs[1]).toEqual({ big: [1, 2, 3, 4, 5, 6], columns: [1, 2, 3, 4, 5, 6], half: [0.333251953125] });
    expect(tensors.map(({ shape, kind }) => [shape, kind])).toEqual([
      [[2, 3], 'fc'],
      [[2, 3], 'fc'],
      [[], 'other'],
    ]);
    expect(run.leftOut.notFloat).toBe(1);
  });

  test('tfjs: what tfjs itself saves, and quantized weights over several files', async () => {
    const directory = place();
    const model = tfl.sequential({
      layers: [
        tfl.layers.conv2d({ filters: 2, kernelSize: 3, inputShape: [6, 6, 1], name: 'stem' }),
        tfl.layers.batchNormalization({ name: 'settle' }),
        tfl.layers.flatten(),
        tfl.layers.dense({ units: 2, name: 'head' }),
      ],
    });
    const expected = model.weights.map((weight) => [...weight.read().dataSync()]);
    for (const epoch of [1, 2]) {
      await model.save({
        save: async ({ weightSpecs, weightData, modelTopology }) => {
          const weightsManifest = [{ paths: ['a.bin', 'b.bin'], weights: weightSpecs }];
          const data = new Uint8Array(weightData as ArrayBuffer);
          put(join(directory, `${epoch}`, 'model.json'), JSON.stringify({ modelTopology, weightsManifest }));
          put(join(directory, `${epoch}`, 'a.bin'), data.subarray(0, 101));
          put(join(directory, `${epoch}`, 'b.bin'), data.subarray(101));
          return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
        },
      });
    }
    const { tensors, epochs } = await importInto([directory]);
    expect(Object.values(epochs[1])).toEqual(expected);
    expect(Object.fromEntries(tensors.map(({ name, kind }) => [name, kind]))).toMatchObject({
      'stem/kernel': 'conv',
      'settle/gamma': 'norm',
      'head/kernel': 'fc',
      'head/bias': 'bias',
    });
    const small = place();
    for (const epoch of [1, 2]) {
      const weights = [
        {
          name: 'a',
          shape: [2],
          dtype: 'float32',
          quantization: { dtype: 'uint8', scale: 0.5, min: -1, original_dtype: 'float32' },
        },
        { name: 'h', shape: [1], dtype: 'float32', quantization: { dtype: 'float16', original_dtype: 'float32' } },
      ];
      put(join(small, `${epoch}`, 'model.json'), JSON.stringify({ weightsManifest: [{ paths: ['w'], weights }] }));
      put(join(small, `${epoch}`, 'w'), Uint8Array.of(0, 255, 0, 0x3c));
    }
    expect((await importInto([small])).epochs[0]).toEqual({ a: [-1, 126.5], h: [1] });
    tf.dispose(model.weights.map((weight) => weight.read()));
  });
});

describe('what cannot be a run is refused, and leaves nothing behind', () => {
  async function expectRefused(
    sources: string[],
    message: RegExp,
    type: new (...args: never[]) => Error,
    options = {},
  ) {
    const store = join(place(), 'store');
    const error = await importCheckpoints({ sources, store, id: 'r', ...options }).then(
      () => null,
      (caught: Error) => caught,
    );
    expect(error).toBeInstanceOf(type);
    expect(error?.message).toMatch(message);
    expect(error?.message).not.toContain('\n');
    expect(existsSync(store)).toBe(false);
  }

  test('tensors that change name or shape, naming both files and tensors', async () => {
    const directory = place();
    const first = put(join(directory, '1.npz'), makeNpz({ a: [[2], [1, 2]], b: [[1], [1]] }));
    const other = (name: string, tensors: Parameters<typeof makeNpz>[0]) =>
      put(join(directory, name), makeNpz(tensors));
    const both = `${first} and ${directory}/2`;
    const cases: [Parameters<typeof makeNpz>[0], string][] = [
      [{ a: [[2], [1, 2]], c: [[1], [1]] }, 'tensor b [1] of the first file is not in the second, which has c [1]'],
      [{ a: [[2], [1, 2]] }, 'tensor b [1] of the first file is not in the second'],
      [{ a: [[3], [1, 2, 3]], b: [[1], [1]] }, 'tensor a [2] of the first file is a [3] in the second'],
      [{ a: [[2], [1, 2]], b: [[1], [1]], c: [[1], [1]] }, 'tensor c [1] of the second file is not in the first'],
    ];
    for (const [i, [tensors, what]] of cases.entries()) {
      const second = other(`2${i}.npz`, tensors);
      const escaped = `${what}: ${both}${i}.npz`.replace(/[[\].]/g, '\\$&');
      await expectRefused([first, second], new RegExp(`^${escaped}; `), MismatchError);
    }
  });

  test('pickles and other formats that are not read, with the line that converts them', async () => {
    const directory = place();
    const legacy = Uint8Array.of(0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46);
    for (const name of ['net.pt', 'net.pth', 'net.ckpt', 'pytorch_model.bin', 'weights', 'renamed.h5']) {
      const file = put(join(directory, name), legacy);
      await expectRefused(
        [file],
        /^a pickle by itself.*python -c "import glob, torch; .*weights_only=True/,
        RefusedFormatError,
      );
    }
    await expectRefused([directory], /^a pickle by itself/, RefusedFormatError);
    const hostile = put(join(directory, "a'$(touch x).pt"), legacy);
    await expectRefused([hostile], /glob\.glob\('DIRECTORY/, RefusedFormatError);
    const plain = put(join(place(), 'weights.pkl'), Uint8Array.of(0x80, 4, 0x7d, 0x2e));
    await expectRefused([plain], /^pickles are never executed: .*np\.savez/, RefusedFormatError);
    const tensorflow = place();
    for (const name of ['ckpt-1.index', 'ckpt-1.data-00000-of-00001']) put(join(tensorflow, name), 'x');
    await expectRefused([tensorflow], /^TensorFlow's own checkpoints .*tf\.train\.load_checkpoint/, RefusedFormatError);
    const files = { _METADATA: '', 'default/_METADATA': '/default', 'state/_METADATA': '/state' };
    for (const [file, item] of Object.entries(files)) {
      const orbax = place();
      put(join(orbax, '1', file), '{}');
      // Newer versions of its CheckpointManager have it too.
      if (item !== '') put(join(orbax, '1', '_CHECKPOINT_METADATA'), '{}');
      await expectRefused(
        [orbax],
        new RegExp(`^the checkpoints of Orbax .*restore\\(f \\+ '${item}'\\).*glob\\('${orbax}/\\*'\\)`),
        RefusedFormatError,
      );
    }
    const distributed = place();
    put(join(distributed, 'step-1', '.metadata'), 'x');
    await expectRefused([distributed], /^the files of torch\.distributed.*dcp_to_torch/, RefusedFormatError);
  });

  test('arrays of objects, with their names', async () => {
    const directory = place();
    const objects = makeZip([{ name: 'a.npy', data: makeNpy('|O', [1], new Uint8Array(8)) }]);
    const archives = [1, 2].map((i) => put(join(directory, `${i}.npz`), objects));
    await expectRefused(archives, /no weights that can be read: a \(Python objects\)/, InsufficientDataError);
  });

  test('headers that claim more than there is, and zip archives that would burst', async () => {
    const good = makeSafetensors({ w: [[1], [1]] });
    const claims = Buffer.from(good);
    claims.writeBigUInt64LE(2n ** 62n);
    const pair = (name: string, bytes: Uint8Array) => {
      const directory = place();
      return [1, 2].map((i) => put(join(directory, `${i}.${name}`), bytes));
    };
    await expectRefused(pair('safetensors', claims), /header should have 4611686018427387904 bytes/, CorruptFileError);
    const npy = makeNpy('<f4', [2 ** 40], new Uint8Array(4));
    await expectRefused(
      pair('npz', makeZip([{ name: 'w.npy', data: npy }])),
      /needs 4398046511104 bytes, 4 are/,
      CorruptFileError,
    );
    const zeros = Buffer.alloc(90e6);
    const bomb = makeZip([{ name: 'w.npy', data: zeros, deflate: true }]);
    expect(bomb.length).toBeLessThan(1e5);
    await expectRefused(pair('npz', bomb), /claims to hold 90000000 bytes in/, CorruptFileError);
    const lying = makeZip([{ name: 'w.npy', data: zeros, deflate: true, claims: { uncompressed: 1000 } }]);
    await expectRefused(pair('npz', lying), /too many bytes|longer than it claims/, CorruptFileError);
    const w = makeNpy('<f4', [1], bytesOf(Float32Array.of(1)));
    const entry = { name: 'w.npy', data: w };
    await expectRefused(pair('npz', makeZip([{ ...entry, claims: { crc: 1 } }])), /checksum/, CorruptFileError);
    await expectRefused(
      pair('npz', makeZip([{ ...entry, deflate: true, encrypted: true }])),
      /encrypted/,
      CorruptFileError,
    );
    await expectRefused(pair('npz', makeZip([{ ...entry, method: 12 }])), /method 12/, CorruptFileError);
    await expectRefused(pair('npz', makeZip([entry, entry])), /w\.npy twice/, CorruptFileError);
    await expectRefused(
      pair('keras', makeZip([{ ...entry, name: 'config.json' }])),
      /no model\.weights\.h5/,
      CorruptFileError,
    );
  });

  test('a model.json that reaches for files elsewhere', async () => {
    const directory = place();
    put(join(directory, 'secret'), new Uint8Array(4));
    const sources = [1, 2].map((i) => {
      const weights = [{ name: 'w', shape: [1], dtype: 'float32' }];
      const model = { weightsManifest: [{ paths: ['../secret'], weights }] };
      return put(join(directory, `${i}`, 'model.json'), JSON.stringify(model));
    });
    await expectRefused(sources, /"\.\.\/secret" is no file beside it/, CorruptFileError);
  });

  test('one checkpoint, none, several formats, unknown ones, pipes', async () => {
    const [first, second] = putPair();
    await expectRefused([first], /one checkpoint is no trajectory/, InsufficientDataError);
    const empty = place();
    mkdirSync(empty);
    await expectRefused([empty], /^no checkpoints: /, InsufficientDataError);
    const other = put(join(place(), '3.npz'), makeNpz({ w: [[2], [1, 2]] }));
    await expectRefused([first, other], /two formats, safetensors and npz/, UsageError);
    await expectRefused([put(join(place(), 'notes'), 'hello')], /not a checkpoint of a known format/, UsageError);
    await expectRefused([first, '/dev/zero'], /not a checkpoint of a known format/, UsageError);
    await expectRefused([first, '/dev/zero'], /^not a file/, Error, { format: 'safetensors', order: 'given' });
    await expectRefused([first, second], /impossible run id/, UsageError, { id: '../up' });
    await expectRefused([first, second], /files of h5 have Keras's layout/, UsageError, {
      layout: 'torch',
      format: 'h5',
    });
  });

  test('a MATLAB file of version 5', async () => {
    const file = put(join(place(), 'a.mat'), 'MATLAB 5.0 MAT-file'.padEnd(200));
    await expectRefused([file], /save it with -v7\.3/, CorruptFileError);
  });

  test('an id that is taken: the run that is there stays as it was', async () => {
    const sources = putPair();
    const { store, run } = await importInto(sources);
    const before = readFileSync(join(run.directory, 'run.json'));
    const again = await importCheckpoints({ sources, store, id: 'r' });
    expect(again.runs[0].written).toBe(false);
    const other = { sources: [...sources].reverse(), store, id: 'r', order: 'given' as const };
    await expect(importCheckpoints(other)).rejects.toThrow(/another run of this id is there/);
    expect(readFileSync(join(run.directory, 'run.json'))).toEqual(before);
  });

  test('an interruption, beside a run that was there', async () => {
    const { store } = await importInto(putPair());
    const interrupt = new AbortController();
    const importing = importCheckpoints({
      sources: putPair(),
      store,
      id: 'second',
      signal: interrupt.signal,
      onProgress: () => interrupt.abort(),
    });
    await expect(importing).rejects.toThrow(/abort/i);
    expect(readdirSync(store)).toEqual(['run=r']);
  });

  test('what a killed import left is cleared away by the next', async () => {
    const store = place();
    const { pid } = spawnSync(process.execPath, ['-e', '']);
    const attempt = newAttempt().replace(`-${process.pid.toString(36)}-`, `-${pid.toString(36)}-`);
    put(join(temporaryName(join(store, '.import-r'), 'tmp', attempt), 'run=r', 'run.json'), '{}');
    put(join(store, '.import-r', 'mine'), '');
    await importInto(putPair(), { store });
    expect(readdirSync(store)).toEqual(['.import-r', 'run=r']);
  });
});

describe('a run', () => {
  test('whose weights stop being finite is diverged, with the epochs before', async () => {
    const directory = place();
    const sources = [1, 2, Number.NaN, 4].map((value, i) =>
      put(join(directory, `${i}.safetensors`), makeSafetensors({ w: [[1], [value]] })),
    );
    const { run, epochs } = await importInto(sources);
    expect(run).toMatchObject({
      status: 'diverged',
      reason: 'a weight is not finite in 2.safetensors: w',
      snapshots: 2,
    });
    expect(epochs).toEqual([{ w: [1] }, { w: [2] }]);
    await expect(importInto(sources.slice(2))).rejects.toThrow(/no weights: w of the first checkpoint is not finite/);
  });

  test('says where it comes from, and is the same bytes each time', async () => {
    const sources = putPair();
    const options = { task: 'cifar10', architecture: 'resnet20' };
    const stores = [await importInto(sources, options), await importInto(sources, options)];
    const [one, two] = stores.map(({ run }) =>
      readdirSync(run.directory).map((name) => readFileSync(join(run.directory, name))),
    );
    expect(one).toEqual(two);
    expect(readManifest(stores[0].run.directory)).toMatchObject({
      ...options,
      source: 'import',
      hyperparameters: { format: 'safetensors', checkpoints: 2, firstCheckpoint: '0.safetensors' },
    });
    const { run } = await importInto(sources, { id: undefined });
    expect(run.id).toBe(`import-${basename(join(sources[0], '..'))}`);
  });

  test('is found by content where names say nothing, and by format out of a mixed directory', async () => {
    const directory = place();
    for (const i of [1, 2]) {
      put(join(directory, 'plain', `weights-${i}`), makeSafetensors({ w: [[1], [i]] }));
      put(join(directory, 'mixed', `${i}.safetensors`), makeSafetensors({ w: [[1], [i]] }));
      put(join(directory, 'mixed', `${i}.npz`), makeNpz({ w: [[1], [-i]] }));
      writeFileSync(join(directory, 'mixed', `${i}.log`), 'x');
    }
    const plain = [1, 2].map((i) => join(directory, 'plain', `weights-${i}`));
    expect((await importInto(plain)).epochs).toEqual([{ w: [1] }, { w: [2] }]);
    const mixed = join(directory, 'mixed');
    expect((await importInto([mixed], { format: 'npz' })).epochs).toEqual([{ w: [-1] }, { w: [-2] }]);
    await expect(importInto([mixed])).rejects.toThrow(/two formats/);
  });
});
