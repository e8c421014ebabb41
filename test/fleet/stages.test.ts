// Samples and evaluations made by shards and by the workers of a queue: what a single process makes. Stages come from the
// build, as their worker processes do.

import { createHash } from 'node:crypto';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { buildDataset, extractShard } from '../../dist/dataset/index.js';
import { evaluate, evaluateShard } from '../../dist/evaluate/index.js';
import { STAGE_KINDS } from '../../dist/fleet/kinds.js';
import { queueExecutor } from '../../dist/fleet/queueExecutor.js';
import { runWorker } from '../../dist/fleet/worker.js';
import type { EvaluateOptions, RunRecord } from '../../src/evaluate/index.js';
import { parseMethod } from '../../src/evaluate/methods/registry.js';
import { writeNowcasterDirectory } from '../callback/nowcasterDirectory.js';
import { makeStore } from '../dataset/stores.js';
import { NO_REDIS, type RedisServer, startRedis } from './redis.js';

let root: string;
let redis: RedisServer;
let stop: AbortController;
let worker: Promise<unknown>;
let queue: string;
const reasons: string[] = [];

beforeAll(async () => {
  root = mkdtempSync(join(tmpdir(), 'wnn-stages-'));
  await makeStore(
    join(root, 'store'),
    [30, 12, 20, 11].map((epochs, i) => ({ id: `run-${i}`, epochs, architecture: i % 2 ? 'mlp' : 'lenet' })),
  );
  if (NO_REDIS) return;
  redis = await startRedis(root);
  queue = redis.urlOf('stages');
  stop = new AbortController();
  const onNote = (note: string) => reasons.push(note);
  worker = runWorker({ queue, root, kinds: STAGE_KINDS, concurrency: 2, onNote, signal: stop.signal });
});

afterAll(async () => {
  if (!NO_REDIS) {
    stop.abort();
    await worker;
    await redis.kill();
  }
  rmSync(root, { recursive: true, force: true });
});

function hashTree(directory: string): string {
  const hash = createHash('sha256');
  for (const name of readdirSync(directory, { recursive: true, encoding: 'utf8' }).sort())
    if (/\.(arrow|json)$/.test(name)) hash.update(name).update(readFileSync(join(directory, name)));
  return hash.digest('hex');
}

const samplesIn = (name: string, store = 'store') => {
  return {
    stores: join(root, store),
    out: join(root, name),
    scalarsPerTensor: 40,
    shardRows: 1000,
    seed: 4,
    threads: 1,
  };
};

test('shards of samples merge to the bytes of a single process; a missing or damaged part is told', async () => {
  await buildDataset(samplesIn('single'));
  const reference = hashTree(join(root, 'single'));
  const options = samplesIn('sharded');
  expect(await extractShard(options, { index: 1, count: 3 })).toMatchObject({ runs: 4, missing: 2, made: 2, kept: 0 });
  await expect(buildDataset({ ...options, merge: true })).rejects.toThrow(/2 of 4 parts are missing/);
  await extractShard(options, { index: 2, count: 3 });
  expect(await extractShard(options, { index: 3, count: 3 })).toMatchObject({ missing: 0, made: 1 });
  expect(await extractShard(options, { index: 3, count: 3 })).toMatchObject({ missing: 0, made: 0, kept: 1 });

  const [first] = readdirSync(`${options.out}.parts`);
  const path = join(`${options.out}.parts`, first);
  const whole = readFileSync(path);
  writeFileSync(path, whole.subarray(0, whole.length - 20));
  await expect(buildDataset({ ...options, merge: true })).rejects.toThrow(/1 of 4 parts are missing/);
  writeFileSync(path, Buffer.concat([whole.subarray(0, 1000), whole.subarray(1400)]));
  await expect(buildDataset({ ...options, merge: true })).rejects.toThrow(/damaged part/);
  writeFileSync(path, whole);
  await buildDataset({ ...options, merge: true });
  expect(hashTree(options.out)).toBe(reference);
  expect(existsSync(`${options.out}.parts`)).toBe(false);
});

test.skipIf(NO_REDIS)('samples by the workers of a queue have the bytes of a single process', async () => {
  await buildDataset(samplesIn('alone'));
  await buildDataset({ ...samplesIn('queued'), executor: queueExecutor({ queue, root }) });
  expect(hashTree(join(root, 'queued'))).toBe(hashTree(join(root, 'alone')));
  expect(existsSync(join(root, 'queued.parts'))).toBe(false);
});

test.skipIf(NO_REDIS)('an evaluation by shards and one by a queue train the same', async () => {
  const nowcaster = join(root, 'nowcaster');
  writeNowcasterDirectory(nowcaster);
  const options: EvaluateOptions = {
    out: join(root, 'evaluated'),
    tasks: ['mnist/mlp'],
    seeds: [7],
    methods: [parseMethod('linear'), parseMethod(`nowcaster:ours=${nowcaster}`)],
    epochs: 6,
    batchSize: 50,
    trainExamples: 100,
    validationExamples: 50,
    engine: 'wasm',
    workers: 1,
  };
  const sharded = { ...options, out: join(root, 'evaluated-shards') };
  const first = await evaluateShard(sharded, { index: 1, count: 2 });
  expect(first).toMatchObject({ runs: 3, missing: 1, trained: 2, failed: [] });
  expect(await evaluateShard(sharded, { index: 2, count: 2 })).toMatchObject({ missing: 0, trained: 1 });
  expect(await evaluate(sharded)).toMatchObject({ trained: 0, kept: 3 });

  const queued = await evaluate({ ...options, executor: queueExecutor({ queue, root }) });
  expect({ trained: queued.trained, reasons: reasons.filter((note) => note.includes('failed')) }).toEqual({
    trained: 3,
    reasons: [],
  });
  for (const id of queued.runs) {
    const read = (out: string): RunRecord => JSON.parse(readFileSync(join(out, 'runs', `${id}.json`), 'utf8'));
    // All but what the clock says.
    const { seconds: _, nowcasts, ...record } = read(options.out);
    const { seconds: __, nowcasts: others, ...other } = read(sharded.out);
    expect(record).toEqual(other);
    expect(nowcasts.length).toBe(others.length);
    const values = (out: string) => hashTree(join(out, 'trajectories', `run=${id}`));
    expect(values(options.out)).toBe(values(sharded.out));
  }
  expect(readdirSync(options.out).sort()).toEqual([
    '.wnn-token',
    'forecasts.json',
    'results.json',
    'runs',
    'trajectories',
  ]);
});
