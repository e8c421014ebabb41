import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { importCheckpoints } from '../../../src/collect/import/index.js';
import { buildDataset } from '../../../src/dataset/index.js';
import { readManifest } from '../../../src/trajectory/runReader.js';
import { type Expected, readExpected, readRun, scratch, unpack } from './fixtures.js';

const EPOCHS = 11;

async function importAll(directory: string, store: string) {
  const notes: string[] = [];
  const { runs } = await importCheckpoints({
    sources: [directory],
    store: join(scratch, store),
    id: 'r',
    onNote: (note) => notes.push(note),
  });
  expect(runs).toHaveLength(1);
  const kinds = Object.fromEntries(readManifest(runs[0].directory).tensors.map(({ name, kind }) => [name, kind]));
  return { run: runs[0], notes, kinds };
}

async function countSamples(store: string): Promise<Record<string, number>> {
  const { manifest } = await buildDataset({
    stores: join(scratch, store),
    out: join(scratch, `${store}-samples`),
    validationShare: 0,
    threads: 0,
  });
  return Object.fromEntries(
    Object.entries(manifest.kinds).map(([kind, { splits }]) => [kind, splits.train.samples + splits.val.samples]),
  );
}

describe('what Keras 3 wrote in every epoch of a training', () => {
  let directory: string;
  let expected: Expected;
  beforeAll(() => {
    directory = unpack('keras');
    expected = readExpected(directory);
  });

  const KINDS = {
    'stem/kernel': 'conv',
    'stem/bias': 'bias',
    'settle/gamma': 'norm',
    'settle/beta': 'norm',
    'settle/moving_mean': 'statistics',
    'settle/moving_variance': 'statistics',
    'each/kernel': 'conv',
    'each/bias': 'bias',
    'block/up/kernel': 'conv',
    'block/up/bias': 'bias',
    'words/embeddings': 'embedding',
    'hidden/kernel': 'fc',
    'hidden/bias': 'bias',
    'head/kernel': 'fc',
    'head/bias': 'bias',
  };

  for (const kind of ['weights-h5', 'legacy-h5', 'native', 'npz']) {
    test(`${kind}: the same numbers bit for bit, in the order of the epochs, with their kinds`, async () => {
      const { run, kinds } = await importAll(join(directory, kind), kind);
      expect(run).toMatchObject({ snapshots: EPOCHS, status: 'complete', reason: null, converted: 0 });
      expect(kinds).toEqual(KINDS);
      expect(await readRun(run.directory)).toEqual(expected);
      expect(readManifest(run.directory)).toMatchObject({ source: 'import', snapshotsRecorded: EPOCHS });
    });
  }

  test('the state of the optimizer is left out, and said to be', async () => {
    const { run, notes } = await importAll(join(directory, 'native'), 'again');
    // SGD with momentum: two counters and a momentum for each trained tensor.
    expect(run.leftOut).toMatchObject({ optimizer: 2 + 13, notFloat: 0, elsewhere: 0 });
    expect(notes).toEqual([expect.stringMatching(/^r: left out 15 arrays .* optimizer/)]);
  });

  test('samples can be built of the run', async () => {
    const parameters = (name: RegExp) =>
      Object.entries(KINDS)
        .filter(([, kind]) => name.test(kind))
        .reduce((sum, [name]) => sum + Buffer.from(expected[0][name].base64, 'base64').length / 4, 0);
    const counts = await countSamples('weights-h5');
    // 11 epochs hold two windows of 5 with a horizon of 5 for each scalar, some of which may stand still and be dropped.
    for (const kind of ['conv', 'fc', 'bias']) {
      expect(counts[kind]).toBeGreaterThan(0);
      expect(counts[kind]).toBeLessThanOrEqual(2 * parameters(new RegExp(`^${kind}$`)));
    }
  });
});

describe('what PyTorch wrote in every epoch of a training', () => {
  let directory: string;
  let expected: Expected;
  beforeAll(() => {
    directory = unpack('torch');
    expected = readExpected(directory);
  });

  for (const kind of ['safetensors', 'npz']) {
    test(`${kind}: the same numbers bit for bit, kernels in Keras's layout and marked`, async () => {
      const { run, kinds, notes } = await importAll(join(directory, kind), `torch-${kind}`);
      expect(run).toMatchObject({ snapshots: EPOCHS, status: 'complete', leftOut: { optimizer: 0, notFloat: 1 } });
      expect(kinds).toEqual({
        'features.0.weight': 'conv',
        'features.0.bias': 'bias',
        'features.1.weight': 'norm',
        'features.1.bias': 'norm',
        'features.1.running_mean': 'statistics',
        'features.1.running_var': 'statistics',
        'features.3.weight': 'conv',
        'features.3.bias': 'bias',
        'features.4.weight': 'conv',
        'features.4.bias': 'bias',
        'tok_emb.weight': 'embedding',
        'ln.weight': 'norm',
        'ln.bias': 'norm',
        'line.weight': 'conv',
        'line.bias': 'bias',
        'fc.weight': 'fc',
        'fc.bias': 'bias',
      });
      expect(await readRun(run.directory)).toEqual(expected);
      const converted = readManifest(run.directory).tensors.filter((tensor) => tensor.converted !== undefined);
      expect(converted.map(({ name }) => name).sort()).toEqual(
        ['features.0', 'features.3', 'features.4', 'line', 'fc'].map((layer) => `${layer}.weight`).sort(),
      );
      expect(notes).toEqual([expect.stringMatching(/5 kernels/), expect.stringMatching(/no floats/)]);
    });
  }

  test('left in the layout of PyTorch where that is asked for', async () => {
    const { runs } = await importCheckpoints({
      sources: [join(directory, 'safetensors')],
      store: join(scratch, 'as-is'),
      layout: 'keras',
    });
    expect(runs[0].id).toBe('import-safetensors');
    const tensors = readManifest(runs[0].directory).tensors;
    expect(tensors.find(({ name }) => name === 'fc.weight')).toEqual({
      name: 'fc.weight',
      kind: 'fc',
      kindBy: 'rank',
      shape: [3, 44],
    });
  });

  test('samples can be built of the run', async () => {
    const counts = await countSamples('torch-safetensors');
    for (const kind of ['conv', 'fc', 'bias']) expect(counts[kind]).toBeGreaterThan(0);
  });
});

describe('trajectories of the KNOW dataset', () => {
  for (const name of ['matlab', 'documented']) {
    test(`${name}.mat: its last axis is the run`, async () => {
      const directory = unpack('know');
      const { runs } = await importCheckpoints({
        sources: [join(directory, `${name}.mat`)],
        store: join(scratch, 'know-store'),
      });
      expect(runs[0]).toMatchObject({ id: `import-know-${name}`, snapshots: 7, status: 'complete' });
      expect(await readRun(runs[0].directory)).toEqual(readExpected(directory));
      expect(readManifest(runs[0].directory).tensors).toEqual([
        { name: 'ConvWeights', kind: 'conv', kindBy: 'format', shape: [3, 3, 5] },
        { name: 'FCWeights', kind: 'fc', kindBy: 'format', shape: [11] },
        { name: 'Bias', kind: 'bias', kindBy: 'format', shape: [4] },
      ]);
    });
  }

  test('several become a run each', async () => {
    const directory = unpack('know');
    const { runs } = await importCheckpoints({ sources: [directory], store: join(scratch, 'know-both'), id: 'k' });
    expect(runs.map(({ id }) => id)).toEqual(['k-documented', 'k-matlab']);
  });
});
