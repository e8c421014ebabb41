// The collect command as a user runs it: real processes, real training, kills and interruptions. Needs the build.

import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CollectResult } from '../../src/collect/index.js';
import { listRuns, readSnapshots } from '../../src/trajectory/runReader.js';

const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));
const PLAN = `
tasks: [mnist/mlp, mnist/lenet]
runs: 2
epochs: 14
seed: 11
batchSizes: [32]
trainExamples: 96
validationExamples: 32
width: 0.25
`;

let directory: string;
let reference: string;

function start(store: string, ...more: string[]): ChildProcess {
  const words = ['collect', '--plan', join(directory, 'plan.yaml'), '--store', store, '--engine', 'wasm', '--json'];
  return spawn(process.execPath, [CLI, ...words, '--workers', '2', ...more], { stdio: ['ignore', 'pipe', 'pipe'] });
}

async function finish(child: ChildProcess): Promise<{ code: number | null; out: string; err: string }> {
  let out = '';
  let err = '';
  child.stdout?.on('data', (chunk) => {
    out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    err += chunk;
  });
  // After `exit` output may still be under way.
  const code = await new Promise<number | null>((resolve) => child.on('close', resolve));
  return { code, out, err };
}

async function complete(store: string, ...more: string[]): Promise<CollectResult> {
  const { code, out, err } = await finish(start(store, ...more));
  expect({ code, err: code === 0 ? '' : err }).toEqual({ code: 0, err: '' });
  return JSON.parse(out);
}

/** All files of a store with their content. */
function filesOf(store: string): Record<string, string> {
  const names = readdirSync(store, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  return Object.fromEntries(
    names.map((entry) => {
      const path = join(entry.parentPath, entry.name);
      return [path.slice(store.length), readFileSync(path).toString('base64')];
    }),
  );
}

/** Epochs that can be read of each run, having compared every value with the reference. */
async function compareEpochs(store: string): Promise<Record<string, number>> {
  const counts: Record<string, number> = {};
  for (const { directory: run, manifest } of listRuns(store)) {
    const expected = readSnapshots(join(reference, `run=${manifest.id}`));
    counts[manifest.id] = 0;
    for await (const { epoch, values } of readSnapshots(run)) {
      const next = await expected.next();
      expect(next.value).toMatchObject({ epoch });
      expect(next.value?.values).toEqual(values);
      counts[manifest.id]++;
    }
  }
  return counts;
}

async function waitForEpochs(store: string, epochs: number): Promise<void> {
  for (;;) {
    const runs = existsSync(store) ? listRuns(store) : [];
    if (runs.some(({ manifest }) => manifest.status === 'recording' && manifest.snapshotsRecorded >= epochs)) return;
    await sleep(5);
  }
}

beforeAll(async () => {
  directory = mkdtempSync(join(tmpdir(), 'wnn-collect-'));
  writeFileSync(join(directory, 'plan.yaml'), PLAN);
  reference = join(directory, 'reference');
  const result = await complete(reference);
  expect(result.counts).toEqual({ complete: 2 });
  expect(result).toMatchObject({ recordedRuns: 2, recordedSnapshots: 28, interrupted: false });
});
afterAll(() => rmSync(directory, { recursive: true, force: true }));

test('records each run of the plan with its metrics and settings', async () => {
  const runs = listRuns(reference);
  expect(runs.map(({ manifest }) => [manifest.task, manifest.architecture, manifest.snapshotsRecorded])).toEqual([
    ['mnist', 'lenet', 14],
    ['mnist', 'mlp', 14],
  ]);
  expect(runs[0].manifest).toMatchObject({
    status: 'complete',
    source: 'zoo',
    engine: expect.stringMatching(/^wasm \d/),
    hyperparameters: { batchSize: 32, width: 0.25, trainExamples: 96, validationExamples: 32 },
  });
  const before = filesOf(reference);
  expect(await complete(reference)).toMatchObject({ recordedRuns: 0, counts: { complete: 2 } });
  expect(filesOf(reference)).toEqual(before);
});

test('counts the snapshots of a plan by steps in steps', async () => {
  const store = join(directory, 'steps');
  const more = ['--epochs', '2', '--snapshot-every', '2steps', '--runs', '1', '--scalars-per-tensor', '100'];
  const { runs } = await complete(store, ...more);
  // Three batches of 32 images an epoch: snapshots after steps 2, 4 and 6.
  expect(runs[0]).toMatchObject({ snapshots: 3, expected: { snapshots: 3 } });
  expect(listRuns(store)[0].manifest).toMatchObject({ stepsPerEpoch: 3, scalarsPerTensor: 100 });
  expect(runs[0].expected.recorded).toBeLessThan(runs[0].expected.parameters);
  const { out } = await finish(spawn(process.execPath, [CLI, 'inspect', store], { stdio: ['ignore', 'pipe', 'pipe'] }));
  expect(out).toMatch(/ complete +3\/3 /);
});

test('killed at any moment it keeps every finished epoch, and the same command completes the plan', async () => {
  const store = join(directory, 'killed');
  let child = start(store);
  await waitForEpochs(store, 4);
  child.kill('SIGKILL');
  await finish(child);
  await sleep(300); // its workers notice
  const afterFirst = await compareEpochs(store);
  expect(Math.max(...Object.values(afterFirst))).toBeGreaterThanOrEqual(4);

  // Killed again while it does the cut-off runs anew: nothing that was readable may be gone.
  child = start(store);
  for (let seen = 0; seen < 1; await sleep(5)) {
    seen = readdirSync(store, { recursive: true }).filter((name) =>
      String(name).includes('snapshots.arrows.wnn-'),
    ).length;
    if (child.exitCode !== null) throw new Error('it ended too soon');
  }
  await sleep(100);
  child.kill('SIGKILL');
  await finish(child);
  await sleep(300);
  const afterSecond = await compareEpochs(store);
  for (const [id, epochs] of Object.entries(afterFirst)) expect(afterSecond[id]).toBeGreaterThanOrEqual(epochs);

  expect((await complete(store)).counts).toEqual({ complete: 2 });
  expect(filesOf(store)).toEqual(filesOf(reference));
});

test('interrupted it ends in good order, and the same command completes the plan, in shards too', async () => {
  const store = join(directory, 'interrupted');
  const child = start(store);
  const ended = finish(child);
  await waitForEpochs(store, 3);
  child.kill('SIGINT');
  const { code, out, err } = await ended;
  expect(code).toBe(130);
  expect(err).toMatch(/wnn: interrupted; .*\n$/);
  const result: CollectResult = JSON.parse(out);
  expect(result.interrupted).toBe(true);
  expect(result.counts.interrupted).toBeGreaterThanOrEqual(1);
  const cut = result.runs.filter(({ status }) => status === 'interrupted');
  for (const run of cut) {
    expect(run.reason).toBe('stopped by the user');
    expect(readdirSync(run.directory).some((name) => name.endsWith('.arrows'))).toBe(false);
  }
  const epochs = await compareEpochs(store);
  expect(Math.max(...cut.map(({ id }) => epochs[id]))).toBeGreaterThanOrEqual(3);
  const dry = await finish(start(store, '--dry-run'));
  expect(dry.err).toMatch(
    /^\d runs? that did not end begins? anew, .*: \d+ epochs? to be trained again, mnist-.* \(\d+ of 14\)/m,
  );
  expect((await complete(store, '--shard', '2/2')).runs).toHaveLength(1);
  expect((await complete(store, '--shard', '1/2')).counts).toEqual({ complete: 1 });
  expect(filesOf(store)).toEqual(filesOf(reference));
});

test('a run that diverges is kept with its finite epochs and not done again', async () => {
  const store = join(directory, 'wild');
  const wild = ['--runs', '1', '--optimizer', 'adam', '--learning-rate', '1e12'];
  const first = await complete(store, ...wild);
  expect(first.counts).toEqual({ diverged: 1 });
  expect(first.runs[0].reason).toMatch(/epoch/);
  expect(listRuns(store)[0].manifest.status).toBe('diverged');
  expect((await complete(store, ...wild)).recordedRuns).toBe(0);
});

test('a dry run writes nothing and estimates the size', async () => {
  const store = join(directory, 'dry');
  const result = await complete(store, '--dry-run');
  expect(existsSync(store)).toBe(false);
  expect(result.counts).toEqual({ planned: 2 });
  const actual = listRuns(reference).map(({ manifest }) => manifest.files.reduce((sum, { bytes }) => sum + bytes, 0));
  const ratio = result.expectedBytes / actual.reduce((a, b) => a + b);
  expect(ratio).toBeGreaterThan(0.7);
  expect(ratio).toBeLessThan(1.4);
});

test('what the user must put right is one line', async () => {
  const images = join(directory, 'images');
  mkdirSync(images);
  const missing = await finish(start(join(directory, 's'), '--task', 'cifar10/lenet', '--images', images));
  expect(missing.code).toBe(1);
  expect(missing.err).toMatch(/^wnn: .*cifar10.*wnn data get cifar10.*\n$/);
  expect(existsSync(join(directory, 's'))).toBe(false);
  const closed = ['--quiet', '--engine', 'webgpu', '--adapter', 'no such GPU', '--store', join(directory, 'deep', 's')];
  const engine = await finish(
    spawn(process.execPath, [CLI, 'collect', '--task', 'mnist/mlp', ...closed], { stdio: ['ignore', 'pipe', 'pipe'] }),
  );
  expect(engine.code).toBe(1);
  expect(engine.err).toMatch(/^wnn: .*webgpu.*\n$/);
  expect(existsSync(join(directory, 'deep'))).toBe(false);
  const file = await finish(start(join(directory, 'plan.yaml', 'store')));
  expect(file.code).toBe(1);
  expect(file.err).toMatch(/^wnn: .*plan\.yaml.*\n$/);
});
