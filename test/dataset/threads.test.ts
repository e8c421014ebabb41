// Threads and executors, through the compiled stage: the same bytes for any number and any memory, a process killed in
// the middle, errors that cross threads.

import { type ChildProcess, spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, truncateSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import type { DatasetOptions } from '../../src/dataset/index.js';
import { leftovers } from '../faults/faults.js';
import { makeStore } from './stores.js';

const COMPILED = new URL('../../dist/dataset/index.js', import.meta.url);
const { buildDataset } = (await import(COMPILED.href)) as typeof import('../../src/dataset/index.js');
const errors = (await import(
  new URL('../../dist/errors.js', import.meta.url).href
)) as typeof import('../../src/errors.js');

let dir: string;
let store: string;
let reference: string;
const options: Partial<DatasetOptions> = { scalarsPerTensor: 1e6, shardRows: 2000, seed: 4 };

const build = (name: string, more: Partial<DatasetOptions> = {}) =>
  buildDataset({ stores: store, out: join(dir, name), ...options, ...more });

function hashTree(root: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' }).sort())
    if (/\.(arrow|json)$/.test(name)) hash.update(name).update(readFileSync(join(root, name)));
  return hash.digest('hex');
}

beforeAll(async () => {
  dir = mkdtempSync(join(tmpdir(), 'wnn-threads-'));
  store = join(dir, 'store');
  // Of very different lengths, so that runs do not end in the order in which they were begun.
  await makeStore(
    store,
    [90, 12, 40, 11, 10, 60].map((epochs, i) => ({ id: `run-${i}`, epochs, architecture: i % 2 ? 'mlp' : 'lenet' })),
  );
  await build('reference', { threads: 0 });
  reference = hashTree(join(dir, 'reference'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

it('any number of threads and any memory give the same bytes', async () => {
  for (const [threads, memory] of [
    [1, 2 ** 30],
    [2, 2 ** 30],
    [5, 2 ** 30],
    [3, 400 * 2 ** 20],
  ]) {
    const name = `threads-${threads}-${memory}`;
    await build(name, { threads, memory });
    expect(hashTree(join(dir, name)), name).toBe(reference);
  }
});

it('workers that run ahead wait for their turn without losing anything', async () => {
  const { extractRuns } = (await import(
    new URL('./extractRuns.js', COMPILED).href
  )) as typeof import('../../src/dataset/extractRuns.js');
  const { findRuns } = (await import(
    new URL('./runs.js', COMPILED).href
  )) as typeof import('../../src/dataset/runs.js');
  const { planDataset } = (await import(
    new URL('./plan.js', COMPILED).href
  )) as typeof import('../../src/dataset/plan.js');
  const { settleOptions } = (await import(
    new URL('./options.js', COMPILED).href
  )) as typeof import('../../src/dataset/options.js');
  const settings = settleOptions({ stores: store, out: join(dir, 'none'), ...options });
  const plan = planDataset(
    findRuns(settings, () => {}),
    settings,
  );
  const packet = { ...plan.packet, rows: 64 };
  const tasks = plan.tasks.map((task) => ({ ...task, packet }));
  const seen: number[] = [];
  const rows = tasks.map(() => 0);
  await extractRuns(
    tasks,
    {
      onPacket(index, packet) {
        seen.push(index);
        rows[index] += packet.rows;
      },
      onRun: ({ index, kinds }) =>
        expect(rows[index]).toBe(Object.values(kinds).reduce((sum, { samples }) => sum + samples, 0)),
      onAdvance: () => {},
    },
    { threads: 4, slots: 40, packet },
  );
  expect(seen).toEqual(seen.toSorted((a, b) => a - b));
  expect(rows.every((count) => count > 0)).toBe(true);
});

it('an executor gives the same bytes, and the runs that it could not read an error', async () => {
  const { processExecutor } = (await import(
    new URL('../jobs/index.js', COMPILED).href
  )) as typeof import('../../src/jobs/index.js');
  const executor = processExecutor({ workers: 2 });
  await build('executed', { executor });
  expect(hashTree(join(dir, 'executed'))).toBe(reference);
  expect(existsSync(join(dir, 'executed.parts'))).toBe(false);
  const failing: typeof executor = {
    ...executor,
    remedy: 'ask again',
    execute: async ({ jobs }) => jobs.map((job) => ({ job, status: 'failed', error: new Error('no disk') })),
  };
  await expect(build('failed', { executor: failing })).rejects.toThrow(
    /6 of 6 runs could not be read \(no disk\): run-0-\w+; ask again/,
  );
});

function start(name: string): ChildProcess {
  const script = `const { buildDataset } = await import(${JSON.stringify(COMPILED.href)});
    await buildDataset(${JSON.stringify({ stores: store, out: join(dir, name), ...options, threads: 2 })});`;
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' });
}

it('a killed process leaves nothing in the way of the next one', async () => {
  const out = join(dir, 'killed');
  const child = start('killed');
  while (leftovers(dir).length === 0 && child.exitCode === null) await new Promise((next) => setTimeout(next, 2));
  await new Promise((next) => setTimeout(next, 30));
  child.kill('SIGKILL');
  await new Promise((next) => child.once('exit', next));
  await build('killed', { threads: 2 });
  expect(hashTree(out)).toBe(reference);
  expect(leftovers(dir)).toEqual([]);
});

it('a damaged run is named by the same error as without threads', async () => {
  const damaged = join(dir, 'damaged');
  mkdirSync(damaged);
  await makeStore(damaged, [
    { id: 'good', epochs: 12 },
    { id: 'spoilt', epochs: 12 },
  ]);
  truncateSync(join(damaged, 'run=spoilt', 'weights-00000.parquet'), 40);
  for (const threads of [0, 2]) {
    const failure = await build('never', { stores: damaged, threads }).catch((error) => error);
    expect(failure).toBeInstanceOf(errors.CorruptFileError);
    expect(failure.message).toContain('run=spoilt/weights-00000.parquet');
    expect(existsSync(join(dir, 'never'))).toBe(false);
  }
});

it('a signal ends the workers', async () => {
  const controller = new AbortController();
  const built = build('aborted', { threads: 2, signal: controller.signal });
  setTimeout(() => controller.abort(new Error('enough')), 20);
  await expect(built).rejects.toThrow('enough');
  expect(leftovers(dir)).toEqual([]);
});
