// A small grid over a synthetic store: each point is trained on samples of its own lengths, and done once.

import { mkdtempSync, readFileSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { trainGrid } from '../../src/pipeline/grid.js';
import { makeStore } from '../dataset/stores.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'wnn-grid-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('trains each pair on samples of its own, and keeps what is whole', async () => {
  const runs = ['a', 'b', 'c', 'd'].map((id) => ({ id, epochs: 12 }));
  await makeStore(join(dir, 'store'), runs);
  const options = {
    stores: join(dir, 'store'),
    out: join(dir, 'grid'),
    axes: { inputLength: [3, 4], horizon: [2, 5] },
    dataset: { threads: 0, validationShare: 0.25 },
    train: { engine: 'wasm' as const, threads: 1, steps: 4, kinds: ['fc' as const] },
  };
  const { points, path } = await trainGrid(options);
  expect(points.map(({ inputLength, horizon }) => [inputLength, horizon])).toEqual([
    [3, 2],
    [3, 5],
    [4, 2],
    [4, 5],
  ]);
  for (const { inputLength, horizon, out, kinds } of points) {
    const record = JSON.parse(readFileSync(join(dir, 'grid', out, 'train.json'), 'utf8'));
    expect(record.spec).toMatchObject({ inputLength, horizons: [horizon] });
    expect(kinds.fc?.validation).toEqual(record.kinds.fc.validation);
    // Of 12 epochs, each start leaves room for the window and the way to the horizon.
    expect(kinds.fc!.trainSamples / (12 - inputLength - horizon + 1)).toBe(160 * 3);
  }
  expect(new Set(points.map(({ kinds }) => kinds.fc!.validation.network)).size).toBe(4);
  const weights = join(dir, 'grid/L4-H5/training/fc/best.safetensors');
  const before = statSync(weights).mtimeMs;
  expect((await trainGrid(options)).points).toEqual(points);
  expect(statSync(weights).mtimeMs).toBe(before);
  expect(JSON.parse(readFileSync(path, 'utf8')).points).toEqual(points);
});

it('refuses an axis without values', async () => {
  await expect(trainGrid({ stores: 'x', out: dir, axes: { horizon: [] } })).rejects.toThrow(UsageError);
});
