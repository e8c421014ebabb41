// Damaged files are read or refused in one line. Many more: scripts/verify-fuzz.ts.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Random } from '../../src/random.js';
import { DamageReader, damageFile } from './damage.js';
import { makeOriginals } from './originals.js';

const directory = mkdtempSync(join(tmpdir(), 'wnn-originals-'));
let reader: DamageReader;
let originals: Record<string, Uint8Array>;
beforeAll(async () => {
  const { files, evaluation } = await makeOriginals(directory);
  originals = files;
  reader = new DamageReader(evaluation, 20);
});
afterAll(async () => {
  await reader.end();
  rmSync(directory, { recursive: true, force: true });
});

test('whole files are read', async () => {
  for (const [name, bytes] of Object.entries(originals))
    expect(await reader.read(name, bytes), name).toMatchObject({ outcome: 'read' });
}, 60_000);

// Among those of the shard are four from which apache-arrow by itself does not come back.
for (const name of [
  ...['shard', 'weights', 'safetensors', 'nowcaster.json', 'train.json', 'dataset.json', 'run.json'],
  ...['results.json', 'forecasts.json', 'record.json', 'plan.yaml', 'job.json'],
])
  test(`${name}, damaged 60 times`, async () => {
    const problems: string[] = [];
    for (let i = 0; i < 60; i++) {
      const { outcome, message } = await reader.read(name, damageFile(name, originals[name], new Random(1, name, i)));
      if (outcome === 'threw' || outcome === 'hung') problems.push(`${i}: ${outcome} ${message}`);
    }
    expect(problems).toEqual([]);
  }, 120_000);

const text = (value: string) => new TextEncoder().encode(value);

test('JSON nested 100,000 deep is refused, in a header too', async () => {
  const deep = '['.repeat(100_000) + ']'.repeat(100_000);
  for (const name of ['nowcaster.json', 'train.json', 'dataset.json', 'run.json'])
    expect(await reader.read(name, text(`{"schemaVersion":1,"spec":${deep}}`)), name).toMatchObject({
      outcome: 'refused',
      message: expect.stringContaining('nested more than 200 deep'),
    });
  const header = text(`{"a":${deep}}`);
  const bytes = new Uint8Array(8 + header.length);
  new DataView(bytes.buffer).setBigUint64(0, BigInt(header.length), true);
  bytes.set(header, 8);
  expect(await reader.read('safetensors', bytes)).toMatchObject({ outcome: 'refused' });
}, 60_000);

test('fields of other types are named in one line', async () => {
  const change = (name: string, edit: (value: never) => void) => {
    const value = JSON.parse(new TextDecoder().decode(originals[name]));
    edit(value as never);
    return text(JSON.stringify(value));
  };
  type Training = { kinds: { fc: { validation: unknown; weights: unknown } } };
  const cases: [name: string, bytes: Uint8Array, message: RegExp][] = [
    [
      'train.json',
      change('train.json', ({ kinds }: Training) => {
        kinds.fc.validation = true;
      }),
      /kinds\.fc\.validation is true, not Object/,
    ],
    [
      'train.json',
      change('train.json', ({ kinds }: Training) => {
        kinds.fc.validation = { noChange: '../x', linear: 1, network: 1 };
      }),
      /kinds\.fc\.validation\.noChange is "\.\.\/x", not number/,
    ],
    [
      'train.json',
      change('train.json', ({ kinds }: Training) => {
        kinds.fc.weights = '../../secret';
      }),
      /kinds\.fc\.weights is "\.\.\/\.\.\/secret"/,
    ],
    [
      'run.json',
      change('run.json', (run: { tensors: unknown }) => {
        run.tensors = [null];
      }),
      /tensors\.0 is null, not Object/,
    ],
    [
      'dataset.json',
      change('dataset.json', (value: { runs: unknown }) => {
        value.runs = [{ id: 'x'.repeat(1e6), sha256: 1 }];
      }),
      /runs\.0\.sha256 is 1, not string/,
    ],
    [
      'dataset.json',
      change('dataset.json', (value: { schemaVersion: unknown }) => {
        value.schemaVersion = '\u001b]0;title\u0007';
      }),
      /schema version "\\u001b\]0;title\\u0007", this version reads 1/,
    ],
  ];
  for (const [name, bytes, message] of cases)
    expect(await reader.read(name, bytes)).toMatchObject({
      outcome: 'refused',
      message: expect.stringMatching(message),
    });
}, 60_000);
