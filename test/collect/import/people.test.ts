// What people have in their directories, and what they ask for: files beside the weights, several models, logs, options.

import { existsSync, mkdirSync } from 'node:fs';
import { join, win32 } from 'node:path';
import { describe, expect, test } from 'vitest';
import { type ImportOptions, importCheckpoints, parseGivenKind } from '../../../src/collect/import/index.js';
import { commonDirectory, nameSources } from '../../../src/collect/import/names.js';
import { torchImporter } from '../../../src/collect/importers/torch.js';
import { UsageError, WnnError } from '../../../src/errors.js';
import { readManifest, readMetrics, readSnapshots } from '../../../src/trajectory/runReader.js';
import { scratch } from './fixtures.js';
import { bytesOf, makeNpy, makeNpz, makeSafetensors, makeZip, put } from './makeFiles.js';

let places = 0;
const place = () => join(scratch, `people-${places++}`);

async function importInto(sources: string[], options: Partial<ImportOptions> = {}) {
  const notes: string[] = [];
  const store = join(place(), 'store');
  const { runs } = await importCheckpoints({ sources, id: 'r', store, onNote: (note) => notes.push(note), ...options });
  const { tensors } = readManifest(runs[0].directory);
  const epochs: Record<string, number[]>[] = [];
  for await (const { values } of readSnapshots(runs[0].directory))
    epochs.push(Object.fromEntries(tensors.map(({ name }, i) => [name, [...values[i]]])));
  const metrics = (await readMetrics(runs[0].directory)).map((row) => row.metrics);
  return { run: runs[0], tensors, epochs, metrics, notes: notes.join('\n') };
}

const weights = (value: number) =>
  makeSafetensors({
    'fc/kernel': [
      [1, 2],
      [value, 1],
    ],
  });
const valuesOf = (epochs: Record<string, number[]>[]) => epochs.map((epoch) => epoch['fc/kernel'][0]);

describe('files beside the numbered checkpoints', () => {
  test('the best, the last and the finished model are named and skipped', async () => {
    const directory = place();
    for (const [i, name] of ['epoch_1', 'epoch_2', 'epoch_2_ema', 'best', 'best-epoch_2', 'last-v1', 'model'].entries())
      put(join(directory, `${name}.safetensors`), weights(i));
    const { epochs, notes } = await importInto([directory]);
    expect(valuesOf(epochs)).toEqual([0, 1]);
    for (const name of ['epoch_2_ema', 'best', 'best-epoch_2', 'last-v1'])
      expect(notes).toContain(`${name}.safetensors`);
  });

  test('are taken where that is asked for', async () => {
    const directory = place();
    const files = ['epoch_1', 'epoch_2', 'best'].map((name, i) =>
      put(join(directory, `${name}.safetensors`), weights(i)),
    );
    expect(valuesOf((await importInto(files, { order: 'given' })).epochs)).toEqual([0, 1, 2]);
  });

  test('a number that only the directory has, and a constant one in the file', async () => {
    const directory = place();
    for (const epoch of [2, 10, 1]) put(join(directory, `epoch_${epoch}`, 'model_v2.safetensors'), weights(epoch));
    expect(valuesOf((await importInto([directory])).epochs)).toEqual([1, 2, 10]);
  });

  test('several models are named, in one directory and in one each', async () => {
    const flat = place();
    const deep = place();
    for (const model of ['generator', 'critic'])
      for (const epoch of [1, 2]) {
        const value = model === 'critic' ? -epoch : epoch;
        put(join(flat, `${model}_${epoch}.safetensors`), weights(value));
        put(join(deep, `epoch-${epoch}`, `${model}.safetensors`), weights(value));
      }
    await expect(importInto([flat])).rejects.toThrow(/checkpoints of 2 models, critic_\* and generator_\*: .*--select/);
    await expect(importInto([deep])).rejects.toThrow(/several checkpoints, critic\.safetensors, generator.*--select/);
    expect(valuesOf((await importInto([flat], { select: 'critic_*' })).epochs)).toEqual([-1, -2]);
    expect(valuesOf((await importInto([deep], { select: 'gen*' })).epochs)).toEqual([1, 2]);
  });
});

describe('tensors', () => {
  const pair = (tensors: (epoch: number) => Parameters<typeof makeSafetensors>[0]) => {
    const directory = place();
    return [1, 2].map((epoch) => put(join(directory, `${epoch}.safetensors`), makeSafetensors(tensors(epoch))));
  };

  test('are left out and taken by patterns', async () => {
    const files = pair((epoch) => ({
      'fc.weight': [
        [1, 2],
        [epoch, 0],
      ],
      'fc.bias': [[1], [epoch]],
      'head.weight': [[1, 1], [3]],
      'ema.fc.weight': [
        [1, 2],
        [7, 7],
      ],
      'exp_avg.fc.weight': [
        [1, 2],
        [8, 8],
      ],
    }));
    const { run, tensors } = await importInto(files, { exclude: ['head.*'] });
    expect(tensors.map(({ name }) => name)).toEqual(['fc.weight', 'fc.bias']);
    expect(run.leftOut).toMatchObject({ optimizer: 1, copies: 1, excluded: ['head.weight'] });
    const { tensors: included } = await importInto(files, { include: ['ema.*', 'exp_avg.fc.weight'] });
    expect(included.map(({ name }) => name).sort()).toEqual(
      ['ema.fc.weight', 'exp_avg.fc.weight', 'fc.bias', 'fc.weight', 'head.weight'].sort(),
    );
  });

  test('are no state of optimizers, whatever the framework calls it', async () => {
    const names = [
      'w/.OPTIMIZER_SLOT/opt/m',
      'beta1_power',
      'w/Adam_1',
      'w/Momentum',
      'w/adam_v',
      'optimizer/w',
      'w.exp_avg',
    ];
    const files = pair((epoch) => ({
      ...Object.fromEntries(names.map((name): [string, [number[], number[]]] => [name, [[1], [9]]])),
      'adam/momentum_encoder/kernel': [[1, 1], [epoch]],
    }));
    const { run, tensors } = await importInto(files);
    expect(tensors.map(({ name }) => name)).toEqual(['adam/momentum_encoder/kernel']);
    expect(run.leftOut.optimizer).toBe(names.length);
  });

  test('get the kind that is given', async () => {
    const files = pair((epoch) => ({
      'fc.weight': [
        [1, 2],
        [epoch, 0],
      ],
      'embed.weight': [
        [2, 1],
        [epoch, 0],
      ],
    }));
    const { tensors } = await importInto(files, { kinds: ['*=norm', 'embed.*=fc'].map(parseGivenKind) });
    expect(tensors.map(({ name, kind, kindBy }) => `${name} ${kind} by ${kindBy}`)).toEqual([
      'fc.weight norm by given',
      'embed.weight fc by given',
    ]);
    // A kernel is brought to Keras's layout, an embedding is not.
    expect(tensors[1].shape).toEqual([1, 2]);
    for (const wrong of ['fc', '=fc', 'a=kernel']) expect(() => parseGivenKind(wrong)).toThrow(UsageError);
  });

  test('of rank 0 alone are no run', async () => {
    const files = pair((epoch) => ({ loss: [[], [epoch]] }));
    await expect(importInto(files)).rejects.toThrow(/^no weights: .*rank 1 or more/);
  });

  test('that stop being finite end a run, whatever was not finite from the start', async () => {
    const directory = place();
    const files = [1, Number.NaN].map((value, i) =>
      put(
        join(directory, `${i}.safetensors`),
        makeSafetensors({ 'fc.bias': [[1], [value]], mask: [[1], [Number.NEGATIVE_INFINITY]] }),
      ),
    );
    const { run } = await importInto(files);
    expect(run).toMatchObject({
      status: 'diverged',
      snapshots: 1,
      reason: 'a weight is not finite in 1.safetensors: fc.bias',
    });
  });

  test('whole numbers may come, go and change without ending a run', async () => {
    const directory = place();
    const files = [1, 2].map((epoch) => {
      const step = { name: 'step.npy', data: makeNpy('<i8', [epoch], bytesOf(new BigInt64Array(epoch))) };
      const w = { name: 'w.npy', data: makeNpy('<f4', [1], bytesOf(Float32Array.of(epoch))) };
      return put(join(directory, `${epoch}.npz`), makeZip(epoch === 1 ? [w, step] : [step, w]));
    });
    expect((await importInto(files)).epochs).toEqual([{ w: [1] }, { w: [2] }]);
  });

  test('options that a format has no use for are refused', async () => {
    const directory = place();
    const files = [1, 2].map((i) => put(join(directory, `${i}.npz`), makeNpz({ w: [[1], [i]] })));
    await expect(importInto(files, { key: 'ema' })).rejects.toThrow(
      /single dictionary of tensors: --key; leave it out/,
    );
  });
});

describe('metrics', () => {
  const checkpoints = (names: string[]) => {
    const directory = place();
    return names.map((name, i) => put(join(directory, `${name}.safetensors`), weights(i)));
  };
  const log = (name: string, text: string) => put(join(place(), name), text);

  test("of Keras's CSVLogger, whose epochs count from 0 where the names count from 1", async () => {
    const csv = log('log.csv', 'epoch,accuracy,loss\n0,0.5,2.5\n1,0.625,1.25\n2,0.75,nan\n');
    const { metrics } = await importInto(checkpoints(['e1', 'e2']), { metrics: csv });
    expect(metrics).toEqual([
      { accuracy: 0.5, loss: 2.5 },
      { accuracy: 0.625, loss: 1.25 },
    ]);
    const from0 = await importInto(checkpoints(['e0', 'e1']), { metrics: csv });
    expect(from0.metrics[1]).toEqual({ accuracy: 0.625, loss: 1.25 });
  });

  test("of Lightning's metrics.csv, in rows of their own for training and validation", async () => {
    const csv = log('metrics.csv', 'epoch,step,train_loss,val_loss\n0,99,1.5,\n0,99,,1.25\n1,199,0.5,\n1,199,,0.75\n');
    const expected = [
      { train_loss: 1.5, val_loss: 1.25 },
      { train_loss: 0.5, val_loss: 0.75 },
    ];
    for (const names of [
      ['epoch=0-step=100', 'epoch=1-step=200'],
      ['step=100', 'step=200'],
    ])
      expect((await importInto(checkpoints(names), { metrics: csv })).metrics).toEqual(expected);
  });

  test('of trainer_state.json, since the checkpoint before', async () => {
    const log_history = [
      { epoch: 0.5, step: 250, loss: 3 },
      { epoch: 1, step: 500, loss: 2 },
      { epoch: 1, step: 500, eval_loss: 2.5 },
      { epoch: 1.9, step: 950, loss: 1 },
    ];
    const state = log('trainer_state.json', JSON.stringify({ log_history }));
    const { metrics } = await importInto(checkpoints(['checkpoint-500', 'checkpoint-1000']), { metrics: state });
    expect(metrics).toEqual([
      { loss: 2, eval_loss: 2.5 },
      { loss: 1, eval_loss: Number.NaN },
    ]);
  });

  test('that fit no checkpoint, or are none, are refused; lacking ones are told', async () => {
    const files = checkpoints(['e1', 'e2']);
    const other = log('log.csv', 'epoch,loss\n50,1\n51,2\n');
    await expect(importInto(files, { metrics: other })).rejects.toThrow(/no row belongs to a checkpoint/);
    for (const text of ['', 'a,b\n1,2\n', '{"log": []}', 'epoch,loss\n'])
      await expect(importInto(files, { metrics: log('x', text) })).rejects.toThrow(/^not a log of metrics/);
    await expect(importInto(files, { metrics: 'nowhere.csv' })).rejects.toThrow(/cannot read the metrics/);
    const { notes } = await importInto(checkpoints(['e1', 'e2', 'e7']), {
      metrics: log('l.csv', 'epoch,loss\n1,1\n2,2\n'),
    });
    expect(notes).toMatch(/has no metrics of 1 of 3 checkpoints/);
  });
});

describe('paths of Windows', () => {
  const files = ['C:\\runs\\a\\checkpoint-500\\model.pt', 'C:\\runs\\a\\checkpoint-1000\\model.pt'];
  test('have a directory in common, and names in it', () => {
    expect(commonDirectory(files, win32)).toBe('C:\\runs\\a');
    const sources = files.map((path) => ({ path, importer: torchImporter }));
    expect(nameSources(sources, win32).map(({ name }) => name)).toEqual([
      'checkpoint-500/model',
      'checkpoint-1000/model',
    ]);
  });
});

test('a .pt of a machine of the other byte order, saved without checksums', async () => {
  const directory = place();
  const pickle = `}S'w'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nDoubleStorage\nS'0'\nS'cpu'\nI3\ntQI1\n(I2\nt(I1\ntI00\nNtRs.`;
  const claims = { crc: 7 };
  const sources = [1, 2].map((epoch) => {
    const data = Buffer.alloc(24);
    [0, epoch, epoch / 4].forEach((value, i) => {
      data.writeDoubleBE(value, 8 * i);
    });
    const entries = { 'data.pkl': Buffer.from(pickle), byteorder: Buffer.from('big'), 'data/0': data };
    const archive = makeZip(
      Object.entries(entries).map(([name, bytes]) => ({ name: `n/${name}`, data: bytes, claims })),
    );
    return put(join(directory, `${epoch}.pt`), archive);
  });
  expect((await importInto(sources)).epochs).toEqual([{ w: [1, 0.25] }, { w: [2, 0.5] }]);
});

describe('a hostile .pt', () => {
  /** An archive as torch.save writes it, around a pickle. */
  const torchFile = (pickle: Uint8Array) =>
    makeZip([
      { name: 'net/data.pkl', data: pickle },
      { name: 'net/data/0', data: new Uint8Array(16) },
      { name: 'net/version', data: Buffer.from('3\n') },
    ]);
  const target = join(scratch, 'executed');
  const command = `S'touch ${target}'\n`;
  test.each([
    ['GLOBAL, REDUCE', `cos\nsystem\n(${command}tR.`],
    ['STACK_GLOBAL', `\x80\x04\x8c\x02os\x8c\x06system\x93(${command}tR.`],
    ['INST', `(${command}ios\nsystem\n.`],
    ['OBJ', `(cos\nsystem\n${command}o.`],
    ['NEWOBJ', `\x80\x02cos\nsystem\n(${command}t\x81.`],
    ['NEWOBJ_EX', `\x80\x04cos\nsystem\n(${command}t}\x92.`],
    ['BUILD', `cos\nsystem\n)R}S'__setstate__'\ncos\nsystem\nsb.`],
    ['EXT1', `\x80\x02\x82\x01(${command}tR.`],
    ['a state dict of commands', `}S'w'\ncos\nsystem\n(${command}tRs.`],
    [
      'a tensor in a storage that is a command',
      `ctorch._utils\n_rebuild_tensor_v2\n(cos\nsystem\n(${command}tRI0\n(I2\nt(I1\ntI00\nNtR.`,
    ],
  ])('%s: nothing is executed', async (_, pickle) => {
    const directory = place();
    const sources = [1, 2].map((i) => put(join(directory, `${i}.pt`), torchFile(Buffer.from(pickle, 'latin1'))));
    const store = join(directory, 'store');
    const importing = importCheckpoints({ sources, store });
    await expect(importing).rejects.toThrow(WnnError);
    await expect(importing).rejects.toThrow(/^(no weights|not a whole PyTorch file)/);
    expect(existsSync(target)).toBe(false);
    expect(existsSync(store)).toBe(false);
  });

  test('a tensor beyond its storage, and one expanded to far more than the file has', async () => {
    const tensor = (offset: number, size: string, stride: string) =>
      `}S'w'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\ntQI${offset}\n(${size}t(${stride}tI00\nNtRs.`;
    const refuse = async (pickle: string, message: RegExp) => {
      const directory = place();
      const sources = [1, 2].map((i) => put(join(directory, `${i}.pt`), torchFile(Buffer.from(pickle))));
      await expect(importCheckpoints({ sources, store: join(directory, 'store') })).rejects.toThrow(message);
    };
    await refuse(tensor(3, 'I2\n', 'I1\n'), /net\/data\/0 has 16 bytes, not 20/);
    await refuse(
      tensor(0, 'I2000000000\nI2000000000\n', 'I0\nI0\n'),
      /its tensors should have 16000000000000000000 bytes/,
    );
    await refuse(tensor(0, 'I2\n', 'I1\nI1\n'), /other strides than axes/);
    await refuse(tensor(0, 'I-2\n', 'I1\n'), /no valid shape/);
  });

  test('a key that is not there is refused with those that are', async () => {
    const directory = place();
    mkdirSync(directory);
    const pickle = `}S'net'\n}S'w'\nctorch._utils\n_rebuild_tensor_v2\n((S'storage'\nctorch\nFloatStorage\nS'0'\nS'cpu'\nI4\ntQI0\n(I4\nt(I1\ntI00\nNtRss.`;
    const sources = [1, 2].map((i) => put(join(directory, `${i}.pt`), torchFile(Buffer.from(pickle))));
    const store = join(directory, 'store');
    await expect(importCheckpoints({ sources, store, key: 'ema' })).rejects.toThrow(
      /no dictionary of tensors ema: .*choose with --key from net/,
    );
    expect((await importCheckpoints({ sources, store, key: 'net' })).runs[0].dictionary).toEqual({
      key: 'net',
      others: [],
    });
  });
});
