// Methods that differ only in what is validated share a training, and must not be able to tell.

import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, it } from 'vitest';
import { evaluate } from '../../dist/evaluate/index.js';
import type { RunRecord } from '../../src/evaluate/index.js';
import { parseMethod } from '../../src/evaluate/methods/registry.js';
import { sharedTrainings } from '../../src/evaluate/sharedTrainings.js';
import { readManifestFile, runDirectory } from '../../src/trajectory/manifest.js';
import { planJobs } from './planJobs.js';

const directory = mkdtempSync(join(tmpdir(), 'wnn-shared-'));
afterAll(() => rmSync(directory, { recursive: true }));

const methods = [
  'ema?decay=0.8',
  'cosine',
  'cosine?name=averaged&validate=lawa:2',
  'linear?watch=off',
  'linear?name=jumps+ema&watch=off&validate=ema:0.9',
  'linear?name=other&watch=off&stepScale=0.5',
  'schedule-free',
].map(parseMethod);
const training = {
  tasks: ['mnist/resnet-8?width=0.25'],
  epochs: 7,
  batchSize: 25,
  optimizer: { name: 'adam', learningRate: 0.003 },
  trainExamples: 50,
  validationExamples: 30,
  engine: 'wasm' as const,
};

it('groups jobs by what decides their training, and leaves those apart whose seconds count', () => {
  const plan = { ...training, methods, seeds: [1, 2] };
  const groups = sharedTrainings(planJobs(plan)).map((jobs) =>
    jobs.map(({ method, seed }) => `${method.name} ${seed}`),
  );
  expect(groups).toEqual(
    [1, 2].flatMap((seed) =>
      [
        ['plain', 'ema+decay0.8'],
        ['cosine', 'averaged'],
        ['linear+watchoff', 'jumps+ema'],
        ['other'],
        ['schedule-free'],
      ].map((names) => names.map((name) => `${name} ${seed}`)),
    ),
  );
  expect(sharedTrainings(planJobs({ ...plan, alone: true })).every((jobs) => jobs.length === 1)).toBe(true);
});

it('records what trainings of their own record', async () => {
  const recordsOf = async (alone: boolean) => {
    const out = join(directory, String(alone));
    await evaluate({ ...training, out, seeds: [4], methods: methods.slice(0, 5), alone, workers: 1 });
    const files = readdirSync(join(out, 'runs')).filter((name) => name.endsWith('.json'));
    return Promise.all(
      files.map(async (file) => {
        const record: RunRecord = JSON.parse(readFileSync(join(out, 'runs', file), 'utf8'));
        const { snapshotsRecorded } = readManifestFile(runDirectory(join(out, 'trajectories'), record.id));
        return { record, snapshots: snapshotsRecorded };
      }),
    );
  };
  const [shared, own] = [await recordsOf(false), await recordsOf(true)];
  expect(shared).toHaveLength(6);
  const pick = ({ record: { method, metrics, nowcasts, status }, snapshots }: (typeof own)[number]) => ({
    method: method.name,
    metrics,
    status,
    snapshots,
    nowcasts: nowcasts.map(({ seconds, ...nowcast }) => nowcast),
  });
  const byName = (a: { method: string }, b: { method: string }) => (a.method < b.method ? -1 : 1);
  expect(shared.map(pick).sort(byName)).toEqual(own.map(pick).sort(byName));
  const losses = shared.map(({ record }) => record.metrics.val_loss.join());
  expect(new Set(losses).size).toBe(6);
  for (const { record } of shared) {
    expect(record.seconds).toHaveLength(7);
    expect(record.seconds).toEqual([...record.seconds].sort((a, b) => a - b));
    expect(record.seconds[0]).toBeGreaterThan(0);
  }
});
