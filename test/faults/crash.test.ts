// Commands killed with -9 and run again. All commands, at many more moments: scripts/verify-crash.ts (npm run verify:crash).

import { cpSync, existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Crashes, resultOf, SCENARIOS, type ScenarioName } from './crashes.js';
import { hashTree, leftovers, wnn, wnnHere } from './faults.js';

const crashes = new Crashes();
const { base } = crashes;
beforeAll(() => crashes.prepare(['collect', 'dataset', 'train', 'export']), 300_000);
afterAll(() => crashes.dispose());

describe('killed before its n-th renaming and run again, the result is that of an undisturbed run:', () => {
  for (const [name, replacing] of [
    ['export', true],
    ['dataset', true],
    ['train', false],
  ] as const)
    test(`${name}${replacing ? ' in place of another' : ''}`, async () => {
      // The last two give a directory its place; those before are inside of what is not whole.
      const last = await crashes.count(name, replacing, ['renameSync']);
      const moments = [last - 1, last];
      const ended = [];
      for (const at of moments) ended.push(await crashes.kill(name, at, { replacing, calls: ['renameSync'] }));
      expect(ended.map(({ problem }) => problem)).toEqual(moments.map(() => null));
      expect(ended.map(({ killed }) => killed)).toEqual(moments.map(() => true));
    }, 300_000);
});

describe('a user’s own files beside a result stay:', () => {
  test('dataset, export', async () => {
    const place = join(base, 'beside');
    for (const name of ['samples.old', 'samples.partial', 'samples.parts', 'now.1.tmp', 'now.1.tmp.former']) {
      mkdirSync(join(place, name), { recursive: true });
      writeFileSync(join(place, name, 'mine.txt'), name);
    }
    const before = hashTree(place);
    for (let i = 0; i < 2; i++) {
      const dataset = ['dataset', join(base, 'collect'), '--out', join(place, 'samples'), '--seed', String(i)];
      expect((await wnnHere(dataset)).code).toBe(0);
      const words = ['export', '--from', join(base, 'train'), '--to', join(place, 'now'), '--overwrite'];
      expect((await wnnHere([...words, '--tag', `v${i}`])).code).toBe(0);
    }
    expect(hashTree(place)).toMatchObject(before);
    expect(leftovers(place)).toEqual([]);
  }, 120_000);

  test('samples with something else among them are not replaced', async () => {
    const samples = join(base, 'mixed');
    cpSync(join(base, 'dataset'), samples, { recursive: true });
    writeFileSync(join(samples, 'notes.txt'), 'mine');
    const { code, stderr } = await wnnHere(['dataset', join(base, 'collect'), '--out', samples, '--seed', '3']);
    expect([code, stderr]).toEqual([
      2,
      expect.stringMatching(/^wnn: the directory holds other files than samples: .*notes\.txt; /),
    ]);
    expect(existsSync(join(samples, 'notes.txt'))).toBe(true);
  }, 60_000);
});

describe('two commands at once on one place both finish with the result of one:', () => {
  for (const [name, words] of Object.entries({
    dataset: (out: string) => ['dataset', join(base, 'collect'), '--out', out],
    export: (out: string) => [
      'export',
      '--from',
      join(base, 'train'),
      '--to',
      out,
      '--tag',
      'x',
      '--format',
      'h5,safetensors,onnx',
    ],
    collect: (out: string) => SCENARIOS.collect.words(base, out),
  }))
    test(name, async () => {
      const out = join(base, `two-${name}`);
      const ended = await Promise.all([wnn(words(out)), wnn(words(out))]);
      expect(ended.map(({ code, stderr }) => (code === 0 ? '' : stderr))).toEqual(['', '']);
      expect(resultOf(name as ScenarioName, out)).toEqual(resultOf(name as ScenarioName, join(base, name)));
      expect(leftovers(base)).toEqual([]);
    }, 180_000);
});

test('an export of what is there already says so', async () => {
  const words = ['export', '--from', join(base, 'train'), '--to', join(base, 'twice'), '--tag', 'x'];
  expect((await wnnHere(words)).stdout).not.toContain('up to date');
  const again = await wnnHere(words);
  expect([again.code, again.stdout]).toEqual([0, expect.stringContaining('up to date')]);
  const other = await wnnHere([...words, '--step-scale', '0.5']);
  expect([other.code, other.stderr]).toEqual([2, expect.stringMatching(/^wnn: the directory is not empty: /)]);
}, 60_000);

test('a flipped bit of any file of a nowcaster is found by export and inspect', async () => {
  for (const file of ['tfjs/conv/weights.bin', 'NWNN_FC_x.h5', 'NWNN_Bias_x.safetensors', 'NWNN_Conv_x.onnx']) {
    const damaged = join(base, 'damaged');
    cpSync(join(base, 'export'), damaged, { recursive: true });
    const bytes = readFileSync(join(damaged, file));
    bytes[bytes.length >> 1] ^= 16;
    writeFileSync(join(damaged, file), bytes);
    for (const words of [
      ['inspect', damaged],
      ['export', '--from', damaged, '--to', join(base, 'never')],
    ]) {
      const { code, stderr } = await wnnHere(words);
      expect([code, stderr]).toEqual([
        1,
        expect.stringMatching(/^wnn: damaged: its SHA-256 .*copy or export it again\n$/),
      ]);
    }
    writeFileSync(join(damaged, file), readFileSync(join(base, 'export', file)));
  }
}, 120_000);
