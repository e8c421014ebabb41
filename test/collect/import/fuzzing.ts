// Damaged files of every format: each import ends in the error that names the file, or in a whole run.

import { existsSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, expect, test } from 'vitest';
import { importCheckpoints } from '../../../src/collect/import/index.js';
import {
  CorruptFileError,
  InsufficientDataError,
  MismatchError,
  MissingFileError,
  UsageError,
} from '../../../src/errors.js';
import { Random } from '../../../src/random.js';
import { readRun, scratch, unpack } from './fixtures.js';
import { makeNpz, makeSafetensors, put, putSharded, putTfjs } from './makeFiles.js';

/** Growth that no case may cause. The files have some 20 kB; a loaded HDF5 library and its threads take the most. */
const MAX_GROWTH_BYTES = 800e6;

/** What damage is done to a file, as its bytes before and after. */
type Damage = (bytes: Buffer, random: Random) => Buffer;

function flipBits(bytes: Buffer, random: Random, region: number): Buffer {
  const damaged = Buffer.from(bytes);
  const count = 1 + random.below(8);
  for (let i = 0; i < count; i++) damaged[random.below(Math.min(region, bytes.length))] ^= 1 << random.below(8);
  return damaged;
}

/** Where the sizes stand: at either end, or anywhere. */
function oversize(bytes: Buffer, random: Random): Buffer {
  const damaged = Buffer.from(bytes);
  const width = [2, 4, 8][random.below(3)];
  const region = [8, 100, 1000, bytes.length][random.below(4)];
  const place = random.below(Math.max(1, Math.min(region, bytes.length - width)));
  const from = random.below(2) === 0 ? place : Math.max(0, bytes.length - width - place);
  damaged.fill(random.below(2) === 0 ? 0xff : 0x7f, from, from + width);
  return damaged;
}

const DAMAGES: Damage[] = [
  (bytes, random) => bytes.subarray(0, random.below(bytes.length)),
  (bytes, random) => flipBits(bytes, random, bytes.length),
  (bytes, random) => flipBits(bytes, random, bytes.length),
  (bytes, random) => flipBits(bytes, random, 600),
  (bytes, random) => Buffer.concat([bytes.subarray(0, -600), flipBits(bytes.subarray(-600), random, 600)]),
  oversize,
  oversize,
  (bytes, random) => Buffer.concat([bytes, Buffer.from(Array.from({ length: 1 + random.below(64) }, () => 0))]),
  (bytes, random) => {
    const begin = random.below(bytes.length);
    return Buffer.concat([bytes.subarray(0, begin), bytes.subarray(begin + 1 + random.below(40))]);
  },
];

/** Damaged files of each format; `npm run verify:imports` tries more. */
const CASES = Number(process.env.WNN_FUZZ_CASES ?? 60);

/** A format with two checkpoints; `target` is the file that is damaged, one of those of the second or the first. */
interface FuzzedFormat {
  name: string;
  /** Writes the checkpoints. @returns what to import, and which files to damage. */
  prepare(directory: string): { sources: string[]; targets: string[] };
}

const tensors = (epoch: number): Record<string, [number[], number[]]> => ({
  'conv/kernel': [[2, 2, 1, 2], Array.from({ length: 8 }, (_, i) => i + epoch)],
  'dense/bias': [[3], [epoch, 2, 3]],
});

function copies(directory: string, from: string, names: string[]): { sources: string[]; targets: string[] } {
  const sources = names.map((name) => put(join(directory, name), readFileSync(join(from, name))));
  return { sources, targets: sources };
}

let keras: string;
let know: string;
let cases: string;
beforeAll(() => {
  cases = unpack('cases');
  keras = unpack('keras');
  know = unpack('know');
});

const FORMATS: FuzzedFormat[] = [
  {
    name: 'safetensors',
    prepare: (directory) => {
      const sources = [1, 2].map((i) => put(join(directory, `${i}.safetensors`), makeSafetensors(tensors(i))));
      return { sources, targets: sources };
    },
  },
  {
    name: 'sharded safetensors',
    prepare: (directory) => {
      const sources = [1, 2].map((i) => putSharded(join(directory, `epoch-${i}`), tensors(i)));
      const shards = [1, 2].map((i) => join(directory, 'epoch-2', `model-0000${i}-of-00002.safetensors`));
      return { sources, targets: [...sources, ...shards] };
    },
  },
  {
    name: 'npz',
    prepare: (directory) => {
      const sources = [1, 2].map((i) => put(join(directory, `${i}.npz`), makeNpz(tensors(i), i === 2)));
      return { sources, targets: sources };
    },
  },
  {
    name: 'torch',
    prepare: (directory) => copies(directory, join(cases, 'torch-tutorial'), ['epoch_0.pt', 'epoch_1.pt']),
  },
  {
    name: 'torch arrays',
    prepare: (directory) => copies(directory, join(cases, 'torch-numpy-network-2'), ['epoch_0.pt', 'epoch_1.pt']),
  },
  {
    name: 'tfjs',
    prepare: (directory) => {
      const sources = [1, 2].map((i) => putTfjs(join(directory, `epoch-${i}`), tensors(i)));
      return { sources, targets: [...sources, join(directory, 'epoch-2', 'weights.bin')] };
    },
  },
  {
    name: 'h5',
    prepare: (directory) => {
      const from = join(keras, 'legacy-h5');
      return copies(directory, from, readdirSync(from).sort().slice(0, 2));
    },
  },
  {
    name: 'weights.h5',
    prepare: (directory) => {
      const from = join(keras, 'weights-h5');
      return copies(directory, from, readdirSync(from).sort().slice(0, 2));
    },
  },
  {
    name: 'keras',
    prepare: (directory) => copies(directory, join(keras, 'native'), ['epoch_1.keras', 'epoch_2.keras']),
  },
  {
    name: 'mat',
    prepare: (directory) => copies(directory, know, ['matlab.mat']),
  },
];

type Outcome = 'imported' | 'read' | 'refused';

/**
 * Imports and says how it ended, after checking that it ended well.
 *
 * @param whole false: interrupt the import when everything was read, to save the time that its Parquet takes.
 */
async function importDamaged(sources: string[], target: string, store: string, whole: boolean): Promise<Outcome> {
  const interrupt = new AbortController();
  try {
    const { runs } = await importCheckpoints({
      sources,
      store,
      id: 'r',
      order: 'given',
      signal: interrupt.signal,
      onProgress: ({ done, total }) => done === total && !whole && interrupt.abort(),
    });
    for (const { directory, snapshots } of runs) expect(await readRun(directory)).toHaveLength(snapshots);
    rmSync(store, { recursive: true });
    return 'imported';
  } catch (error) {
    expect(existsSync(store)).toBe(false);
    if (interrupt.signal.aborted) return 'read';
    // A usage error: that it is of another format than the file beside it.
    const typed = [CorruptFileError, MismatchError, MissingFileError, InsufficientDataError, UsageError].some(
      (type) => error instanceof type,
    );
    if (!typed) throw error;
    const { message } = error as Error;
    // What is wrong with a file of weights may be said of its model.json or index.
    expect(message).toContain(target.replace(/weights\.bin$|model-\d+-of-\d+\.safetensors$/, ''));
    expect(message).not.toMatch(/[\n\r]/);
    return 'refused';
  }
}

/** Tests that damaged files of these formats are refused by name, or imported whole. */
export function testDamaged(...names: string[]): void {
  for (const { name, prepare } of FORMATS.filter((format) => names.includes(format.name))) {
    test(`${name}: ${CASES} cases`, async () => {
      const directory = join(scratch, `fuzz-${name}`);
      const { sources, targets } = prepare(directory);
      const store = join(directory, 'store');
      const originals = targets.map((target) => readFileSync(target));
      const random = new Random(1, 'import', name);
      const before = process.memoryUsage().rss;
      let highest = before;
      let refused = 0;
      for (let i = 0; i < CASES; i++) {
        // A fault in the first file is found before anything is written, which makes most cases quick.
        const which = random.below(4) > 0 ? 0 : random.below(targets.length);
        put(targets[which], DAMAGES[i % DAMAGES.length](originals[which], random));
        const outcome = await importDamaged(sources, targets[which], store, i % 20 === 0);
        if (outcome === 'refused') refused++;
        put(targets[which], originals[which]);
        highest = Math.max(highest, process.memoryUsage().rss);
      }
      expect(refused).toBeGreaterThan(CASES / 4);
      expect(highest - before).toBeLessThan(MAX_GROWTH_BYTES);
      // What was damaged was the files, not the importer.
      expect(await importDamaged(sources, '', store, true)).toBe('imported');
    }, 3_600_000);
  }
}

/** Tests that what is empty or of another format is refused by every importer. */
export function testWrongTypes(): void {
  test('empty files, and files of every other format', async () => {
    for (const { name, prepare } of FORMATS) {
      const directory = join(scratch, `wrong-${name}`);
      const { sources, targets } = prepare(directory);
      const target = targets[targets.length - 1];
      const others = FORMATS.filter((other) => other.name !== name).map((other) => {
        const made = prepareOnce(other);
        return readFileSync(made.targets[made.targets.length - 1]);
      });
      for (const content of [Buffer.alloc(0), Buffer.from('\n'), Buffer.alloc(3000, 0xff), ...others]) {
        // Two of the formats are HDF5, and Keras's kinds of it are one importer's; so are the two of PyTorch.
        if (/h5$|keras/.test(name) && content.subarray(1, 4).toString() === 'HDF') continue;
        if (name.startsWith('torch') && content.includes('data.pkl')) continue;
        put(target, content);
        expect(await importDamaged(sources, target, join(directory, 'store'), true)).toBe('refused');
      }
    }
  });
}

function prepareOnce(format: FuzzedFormat) {
  return format.prepare(join(scratch, `other-${format.name}`));
}
