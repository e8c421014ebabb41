import { expect, test } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { parseShard, shardFromEnvironment, takeShard } from '../../src/jobs/index.js';

test('shards part a list: every job in exactly one', () => {
  const jobs = Array.from({ length: 23 }, (_, i) => i);
  const shards = [1, 2, 3, 4, 5].map((index) => takeShard(jobs, { index, count: 5 }));
  expect(shards.flat().sort((a, b) => a - b)).toEqual(jobs);
  expect(shards.map((shard) => shard.length)).toEqual([5, 5, 5, 4, 4]);
  expect(takeShard([], { index: 1, count: 2 })).toEqual([]);
});

test('shards are written i/n from 1', () => {
  expect(parseShard('2/8')).toEqual({ index: 2, count: 8 });
  for (const text of ['', '2', '2/', '/8', '-1/2', '1.5/2', '1/2/3', 'a/b'])
    expect(() => parseShard(text), text).toThrow(UsageError);
  for (const text of ['0/2', '3/2']) expect(() => takeShard([1, 2], parseShard(text)), text).toThrow(UsageError);
});

test('schedulers say the shard in their variables', () => {
  const slurm = (id: number, count: number, rest: Record<string, string> = {}) =>
    shardFromEnvironment({ SLURM_ARRAY_TASK_ID: `${id}`, SLURM_ARRAY_TASK_COUNT: `${count}`, ...rest });
  expect(shardFromEnvironment({})).toBeUndefined();
  expect(slurm(3, 8)).toMatchObject({ index: 3, count: 8, from: 'SLURM_ARRAY_TASK_ID' });
  expect(slurm(0, 8, { SLURM_ARRAY_TASK_MIN: '0' })).toMatchObject({ index: 1, count: 8 });
  expect(slurm(16, 4, { SLURM_ARRAY_TASK_MIN: '10', SLURM_ARRAY_TASK_STEP: '2' })).toMatchObject({
    index: 4,
    count: 4,
  });
  expect(() => shardFromEnvironment({ SLURM_ARRAY_TASK_ID: '3' })).toThrow(/SLURM_ARRAY_TASK_COUNT is not set/);
  expect(() => slurm(3, Number.NaN)).toThrow(UsageError);
  expect(shardFromEnvironment({ JOB_COMPLETION_INDEX: '0', WNN_SHARDS: '4' })).toMatchObject({ index: 1, count: 4 });
  expect(shardFromEnvironment({ JOB_COMPLETION_INDEX: '3', WNN_SHARDS: '4' })).toMatchObject({ index: 4, count: 4 });
  expect(() => shardFromEnvironment({ JOB_COMPLETION_INDEX: '3' })).toThrow(/WNN_SHARDS is not set/);
});
