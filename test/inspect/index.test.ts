import { mkdirSync, mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { CorruptFileError, MissingFileError, SchemaVersionError, UsageError } from '../../src/errors.js';
import { writeRunRecord } from '../../src/evaluation/files.js';
import { type Inspection, inspectPath } from '../../src/inspect/index.js';
import { PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { encodeWeights } from '../../src/nowcaster/weightsFile.js';
import { writeReport } from '../../src/report/index.js';
import { RunWriter } from '../../src/trajectory/runWriter.js';
import { syntheticJobs, syntheticPlan, syntheticRecord, syntheticResults } from '../evaluate/syntheticRuns.js';
import { makeSnapshot, runInfo, TENSORS } from '../trajectory/runs.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wnn-inspect-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

type Of<T extends Inspection['type']> = Extract<Inspection, { type: T }>;

async function inspect<T extends Inspection['type']>(path: string, type: T): Promise<Of<T>> {
  const inspection = await inspectPath(path);
  expect(inspection.type).toBe(type);
  return inspection as Of<T>;
}

async function makeStore(): Promise<string> {
  const store = join(root, 'trajectories');
  const whole = RunWriter.create(store, runInfo('whole'), TENSORS);
  for (let epoch = 0; epoch < 3; epoch++) await whole.append(makeSnapshot(epoch));
  await whole.finish('complete');
  const going = RunWriter.create(store, { ...runInfo('going'), architecture: null, epochsPlanned: null }, TENSORS);
  await going.append({ ...makeSnapshot(0), metrics: { loss: Number.NaN } });
  await going.append({ ...makeSnapshot(1), metrics: { loss: Number.NaN } });
  return store;
}

test('a store is a table of its runs, those that are being recorded too', async () => {
  const path = await makeStore();
  const store = await inspect(path, 'store');
  expect(store).toMatchObject({ counts: { complete: 1, recording: 1 }, snapshots: 5 });
  expect(store.runs.map(({ id }) => id)).toEqual(['going', 'whole']);
  expect(store.runs[0]).toMatchObject({ status: 'recording', snapshots: 2, finalMetrics: { loss: null } });
  expect(store.runs[1]).toMatchObject({
    task: 'mnist',
    architecture: 'lenet',
    parameters: 72 + 4 + 4 + 2000 + 1,
    parametersByKind: { conv: 72, bias: 4, norm: 4, fc: 2000, other: 1 },
    snapshots: 3,
    cadence: { unit: 'epoch', every: 1 },
    epochsPlanned: 12,
    finalMetrics: { loss: 1 / 3, acc: 0.2 },
  });
  expect(store.bytes).toBe(store.runs[0].bytes + store.runs[1].bytes);
  expect(JSON.parse(JSON.stringify(store))).toEqual(store);
});

test('an evaluation that was interrupted is the list of its finished runs', async () => {
  const [job] = syntheticJobs([1, 2], 4);
  const path = join(root, 'evaluation');
  mkdirSync(join(path, 'runs'), { recursive: true });
  writeRunRecord(path, syntheticRecord(job, [0.1, 0.2, 0.3, 0.4]));
  const { runs } = await inspect(path, 'unfinished evaluation');
  expect(runs).toEqual([{ id: job.id, task: job.task, method: job.method, seed: job.seed, status: 'complete' }]);
  const { parts } = await inspect(root, 'directory');
  expect(parts).toMatchObject([{ path, type: 'unfinished evaluation' }]);
});

test('directories are looked through three levels deep', async () => {
  await makeStore();
  mkdirSync(join(root, 'data/quick'), { recursive: true });
  renameSync(join(root, 'trajectories'), join(root, 'data/quick/trajectories'));
  const { parts } = await inspect(root, 'directory');
  expect(parts).toMatchObject([{ type: 'directory', parts: [{ type: 'directory', parts: [{ type: 'store' }] }] }]);
});

test('a run says the steps of an epoch where it knows them', async () => {
  const path = mkdtempSync(join(root, 'steps-'));
  for (const [id, facts] of [
    ['known', { stepsPerEpoch: 20 }],
    ['unknown', {}],
  ] as const) {
    const cadence = { unit: 'step', every: 5 } as const;
    const writer = RunWriter.create(path, { ...runInfo(id), epochsPlanned: 12, cadence, ...facts }, TENSORS);
    await writer.append(makeSnapshot(0));
    await writer.finish('complete');
  }
  const { runs } = await inspect(path, 'store');
  expect(runs.map(({ stepsPerEpoch }) => stepsPerEpoch)).toEqual([20, null]);
});

test('a run is known by its directory and by each of its files', async () => {
  const path = join(await makeStore(), 'run=whole');
  const run = await inspect(path, 'run');
  expect(run.manifest.tensors).toEqual(TENSORS);
  for (const name of ['run.json', 'metrics.parquet', 'weights-00000.parquet'])
    expect(await inspect(join(path, name), 'run')).toEqual(run);
});

test('a directory is what is in it', async () => {
  await makeStore();
  mkdirSync(join(root, 'evaluation'));
  const results = syntheticResults(syntheticPlan([1], 3), new Map());
  writeFileSync(join(root, 'evaluation', 'results.json'), JSON.stringify(results));
  mkdirSync(join(root, 'other'));
  const directory = await inspect(root, 'directory');
  expect(directory.parts.map(({ path, type }) => [path, type])).toEqual([
    [join(root, 'evaluation'), 'evaluation'],
    [join(root, 'trajectories'), 'store'],
  ]);
});

test('an evaluation says whether its page shows its results', async () => {
  const path = join(root, 'evaluation');
  mkdirSync(path);
  writeFileSync(join(path, 'results.json'), JSON.stringify(syntheticResults(syntheticPlan([1], 3), new Map())));
  expect(await inspect(path, 'evaluation')).toMatchObject({ report: 'absent' });
  writeReport({ directory: path });
  expect(await inspect(path, 'evaluation')).toMatchObject({ report: 'current' });
  writeFileSync(join(path, 'forecasts.json'), '{}');
  expect(await inspect(path, 'evaluation')).toMatchObject({ report: 'older' });
});

test('weights of a network are known by their content', async () => {
  const path = join(root, 'x.safetensors');
  writeFileSync(path, encodeWeights(PAPER_SPEC, new Float32Array(9425)));
  expect(await inspect(path, 'weights')).toMatchObject({ spec: PAPER_SPEC, parameters: 9425 });
  writeFileSync(path, 'nonsense');
  await expect(inspectPath(path)).rejects.toThrow(CorruptFileError);
});

test('anything else is an error that says so', async () => {
  await expect(inspectPath(join(root, 'none'))).rejects.toThrow(MissingFileError);
  await expect(inspectPath(root)).rejects.toThrow(UsageError);
  writeFileSync(join(root, 'notes.txt'), 'hello');
  await expect(inspectPath(join(root, 'notes.txt'))).rejects.toThrow(/nothing of this toolkit: .*notes\.txt/);
  for (const name of ['run.json', 'dataset.json', 'train.json', 'nowcaster.json']) {
    const directory = join(root, name.slice(0, -5));
    mkdirSync(directory);
    writeFileSync(join(directory, name), '{"schemaVersion":99}');
    await expect(inspectPath(directory)).rejects.toThrow(SchemaVersionError);
    writeFileSync(join(directory, name), '{"schemaVersion":');
    await expect(inspectPath(directory)).rejects.toThrow(CorruptFileError);
    await expect(inspectPath(directory)).rejects.toThrow(name);
  }
});
