// What a user can get wrong: each is one line that names the file or option, and nothing that was good is lost.

import { mkdirSync, readFileSync, rmSync, truncateSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import {
  CorruptFileError,
  InsufficientDataError,
  MismatchError,
  MissingFileError,
  SchemaVersionError,
  UsageError,
  WnnError,
} from '../../src/errors.js';
import { PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';
import { ShardWriter } from '../../src/samples/shardWriter.js';
import { planTraining, type TrainOptions, trainNowcaster } from '../../src/train/index.js';
import { createReferenceCompute, makeDirectory, writeSamples } from './fixtures.js';

let dir: string;
let dispose: () => void;
beforeEach(() => {
  ({ dir, dispose } = makeDirectory());
});
afterEach(() => dispose());

function optionsFor(more: Partial<TrainOptions> = {}): TrainOptions {
  return {
    samples: join(dir, 'samples'),
    out: join(dir, 'out'),
    kinds: ['fc'],
    config: { streams: 'values', activation: 'relu' },
    openCompute: async (spec) => createReferenceCompute(spec),
    batchSize: 64,
    steps: 6,
    ...more,
  };
}

/** Expects an error of a class whose one line matches. */
async function expectError(action: Promise<unknown>, type: new (...args: never[]) => WnnError, message: RegExp) {
  const error = await action.then(
    () => null,
    (reason) => reason,
  );
  expect(error).toBeInstanceOf(type);
  expect((error as Error).message).toMatch(message);
  expect((error as Error).message).not.toContain('\n');
}

const train = (more?: Partial<TrainOptions>) => trainNowcaster(optionsFor(more));

describe('samples', () => {
  it('that are not there', () => expectError(train(), MissingFileError, /samples\/dataset\.json; make them with wnn/));

  it('of which a shard is missing', async () => {
    writeSamples(join(dir, 'samples'));
    rmSync(join(dir, 'samples/fc/train-00001.arrow'));
    await expectError(train(), MissingFileError, /fc\/train-00001\.arrow;/);
  });

  it('of which a shard is cut off', async () => {
    writeSamples(join(dir, 'samples'));
    truncateSync(join(dir, 'samples/fc/val-00000.arrow'), 900);
    await expectError(train(), CorruptFileError, /fc\/val-00000\.arrow;/);
  });

  it('for a family that nobody knows', async () => {
    writeSamples(join(dir, 'samples'));
    await expectError(train({ family: 'wnnn' }), UsageError, /unknown family wnnn; known: wnn, wnn-plus: --family;/);
    await expectError(train({ config: { stream: 1 } }), UsageError, /no setting stream; known: streams, activation/);
  });

  it('with a shard of another input length than dataset.json says', async () => {
    const manifest = writeSamples(join(dir, 'samples'));
    writeSamples(join(dir, 'other'), { spec: { ...PAPER_SPEC, inputLength: 4 } });
    const shard = manifest.kinds.fc!.splits.train.shards[0];
    const content = readFileSync(join(dir, 'other', shard.file));
    writeFileSync(join(dir, 'samples', shard.file), content);
    await expectError(train(), WnnError, /fc\/train-00000\.arrow;/);
  });

  it('without any of a kind, or without any held out', async () => {
    writeSamples(join(dir, 'samples'), { kinds: ['conv'] });
    await expectError(train(), InsufficientDataError, /no training samples of kind fc: .*; .*--kind/);
    writeSamples(join(dir, 'samples'), { val: [] });
    await expectError(train(), InsufficientDataError, /no validation samples of kind fc.*record another one/);
  });

  it('trains the other kinds where the runs have no tensors of one, says so and records it', async () => {
    const manifest = writeSamples(join(dir, 'samples'), { kinds: ['conv'] });
    for (const kind of ['fc', 'bias'] as const) manifest.kinds[kind]!.tensors = 0;
    writeFileSync(join(dir, 'samples', 'dataset.json'), JSON.stringify(manifest));
    const notes: string[] = [];
    const { kinds } = planTraining({ ...optionsFor(), kinds: undefined, onNote: (note) => notes.push(note) });
    expect(kinds.map(({ kind }) => kind)).toEqual(['conv']);
    expect(notes).toEqual(
      ['fc', 'bias'].map((kind) => `no network for ${kind}: the runs have no tensors of this kind`),
    );
    const { record } = await train({ kinds: undefined });
    expect(record.dataset.withoutTensors).toEqual(['fc', 'bias']);
  });

  it('into a directory that holds an exported nowcaster, which would be taken for it', async () => {
    writeSamples(join(dir, 'samples'));
    mkdirSync(join(dir, 'out'), { recursive: true });
    writeFileSync(join(dir, 'out', 'nowcaster.json'), '{}');
    await expectError(
      train({ out: join(dir, 'out') }),
      UsageError,
      /holds a nowcaster that wnn export made.*another --out/,
    );
  });

  it('that hold NaN', async () => {
    const manifest = writeSamples(join(dir, 'samples'));
    const [shard] = manifest.kinds.fc!.splits.train.shards;
    const writer = new ShardWriter(join(dir, 'samples', shard.file), { inputLength: 5, horizons: 1 }, ['a']);
    const windows = new Float32Array(5 * shard.rows).fill(0.1);
    windows[77] = Number.NaN;
    const ones = new Float32Array(shard.rows).fill(1);
    writer.write({ windows, targets: ones, scales: ones, runs: new Int32Array(shard.rows) }, shard.rows);
    shard.bytes = writer.close(null);
    shard.crc32 = writer.crc32;
    writeFileSync(join(dir, 'samples/dataset.json'), JSON.stringify(manifest));
    await expectError(train(), CorruptFileError, /not finite.*fc\/train-00000\.arrow;/);
  });
});

describe('a checkpoint', () => {
  const path = () => join(dir, 'out/fc/checkpoint.safetensors');
  beforeEach(async () => {
    writeSamples(join(dir, 'samples'));
    await train();
  });

  it.each<[string, Partial<TrainOptions>, RegExp]>([
    ['other settings', { learningRate: 0.5 }, /learningRate is 0\.001 there, 0\.5 here/],
    ['fewer steps', { steps: 5 }, /the number of steps \(--epochs, --steps\) is 6 there, 5 here/],
    ['another spec', { config: { streams: 'both', activation: 'relu' } }, /config is .*values.* there, .*both.* here/],
  ])('of %s is left as it is', async (_name, more, message) => {
    const before = readFileSync(path());
    await expectError(train(more), MismatchError, message);
    await expectError(train(more), MismatchError, /checkpoint\.safetensors; give --restart/);
    expect(readFileSync(path())).toEqual(before);
    await train({ ...more, resume: false });
    expect(readFileSync(path())).not.toEqual(before);
  });

  it('of other samples, and their record, are left as they are', async () => {
    writeSamples(join(dir, 'samples'), { seed: 2 });
    await expectError(train(), MismatchError, /other samples.*checkpoint\.safetensors;/);
    await expectError(train({ kinds: ['bias'] }), MismatchError, /other samples.*train\.json;/);
  });

  it('that is damaged anywhere is told from a whole one', async () => {
    const whole = readFileSync(path());
    const random = new Random(4);
    for (let i = 0; i < 60; i++) {
      const size = random.below(whole.length);
      writeFileSync(path(), whole.subarray(0, size));
      expect(() => planTraining(optionsFor()), `cut to ${size}`).toThrow(CorruptFileError);
      // Half of the flipped bits are in the header; all but its padding matter.
      const at = i % 2 ? random.below(1500) : random.below(whole.length);
      if (at >= 8 && whole[at] === 0x20) continue;
      const bytes = Buffer.from(whole);
      bytes[at] ^= 1 << random.below(8);
      writeFileSync(path(), bytes);
      expect(() => planTraining(optionsFor()), `bit of byte ${at}`).toThrow(WnnError);
    }
  });

  it('of another schema version, and a record of one', async () => {
    const text = readFileSync(path(), 'latin1').replace('"schemaVersion":"2"', '"schemaVersion":"7"');
    writeFileSync(path(), text, 'latin1');
    await expectError(train(), SchemaVersionError, /version 7.*checkpoint\.safetensors;/);
    rmSync(path());
    writeFileSync(join(dir, 'out/train.json'), '{"schemaVersion": 9}');
    await expectError(train(), SchemaVersionError, /version 9.*train\.json;/);
  });

  it('whose metrics are gone', async () => {
    await expectError(
      (async () => {
        const controller = new AbortController();
        const onMetrics = () => controller.abort();
        const long = { out: join(dir, 'cut'), steps: 20, validationSteps: 2 };
        await train({ ...long, onMetrics, signal: controller.signal }).catch(() => {});
        rmSync(join(dir, 'cut/fc/metrics.jsonl'));
        await train(long);
      })(),
      CorruptFileError,
      /cut\/fc\/metrics\.jsonl;/,
    );
  });
});

describe('options', () => {
  it.each<[Partial<TrainOptions>, RegExp]>([
    [{ batchSize: 0 }, /--batch-size/],
    [{ learningRate: Number.NaN }, /--learning-rate/],
    [{ steps: 2.5 }, /--steps/],
    [{ epochs: 2 }, /--epochs, --steps/],
    [{ warmUpSteps: 6 }, /--warm-up-steps/],
    [{ schedule: 'linear' as 'cosine' }, /--schedule/],
    [{ loss: 'l1' as 'mae' }, /--loss/],
    [{ kinds: ['other' as 'fc'] }, /--kind/],
    [{ config: { activation: 'gelu' } }, /gelu/],
  ])('%j', async (more, message) => {
    writeSamples(join(dir, 'samples'));
    await expectError(train(more), UsageError, message);
  });

  it('an out that is a file', async () => {
    writeSamples(join(dir, 'samples'));
    mkdirSync(join(dir, 'place'));
    writeFileSync(join(dir, 'place/out'), '');
    await expectError(train({ out: join(dir, 'place/out') }), WnnError, /place\/out/);
  });
});
