// A dataset and an architecture from outside of src/, recorded by worker processes and made into samples by threads.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { readDatasetManifest } from '../../src/samples/index.js';
import { preloaded } from './preloaded.js';

const root = mkdtempSync(join(tmpdir(), 'wnn-task-'));
afterAll(() => rmSync(root, { recursive: true }));

it('is recorded, and made into samples', () => {
  const run = preloaded('./task.mjs');
  const store = join(root, 'runs');
  const plan = ['--task', 'halves/one-layer', '--runs', '2', '--epochs', '12', '--batch-size', '20'];
  const { runs } = run('collect', ...plan, '--engine', 'wasm', '--store', store);
  expect(runs.map(({ status, task }: { status: string; task: string }) => [status, task])).toEqual([
    ['complete', 'halves/one-layer'],
    ['complete', 'halves/one-layer'],
  ]);
  const samples = join(root, 'samples');
  run('dataset', store, '--out', samples, '--threads', '1');
  // 16 x 6 and 6 x 2 kernels, drawn whole, three windows of 10 epochs in 12, in two runs.
  expect(readDatasetManifest(samples).kinds.fc!.drawn).toBe((96 + 12) * 3 * 2);
});
