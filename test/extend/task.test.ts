// A dataset and an architecture from outside of src/, recorded by worker processes and made into samples by threads.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, expect, it } from 'vitest';
import { readDatasetManifest } from '../../src/samples/index.js';

const root = mkdtempSync(join(tmpdir(), 'wnn-task-'));
afterAll(() => rmSync(root, { recursive: true }));

it('is recorded, and made into samples', () => {
  const module = pathToFileURL(fileURLToPath(new URL('./task.mjs', import.meta.url))).href;
  const cli = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
  const run = (...words: string[]) =>
    JSON.parse(
      execFileSync('node', [cli, ...words, '--json', '--quiet'], {
        encoding: 'utf8',
        env: { ...process.env, NODE_OPTIONS: `--import ${module}` },
      }),
    );
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
  expect(readDatasetManifest(samples).kinds.fc.drawn).toBe((96 + 12) * 3 * 2);
});
