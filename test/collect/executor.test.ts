// What collect hands to whoever does its runs.

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { collect } from '../../src/collect/index.js';
import { MissingFileError } from '../../src/errors.js';
import type { JobExecutor, JobList } from '../../src/jobs/index.js';

let store: string;
beforeEach(() => {
  store = mkdtempSync(join(tmpdir(), 'wnn-executor-'));
});
afterEach(() => rmSync(store, { recursive: true, force: true }));

/** An executor that does nothing but remember what it was given. */
function idleExecutor(local: boolean): JobExecutor & { lists: JobList<never>[] } {
  const lists: JobList<never>[] = [];
  const execute: JobExecutor['execute'] = async (list) => {
    lists.push(list as never);
    return list.jobs.map((job) => ({ job, status: 'canceled' }));
  };
  return { local, remedy: 'none', lists, execute };
}

const plan = { tasks: ['cifar10/cnn', 'cifar10/resnet-8'], runs: 3, epochs: 4, images: '/nowhere' };

test('an executor of other machines gets the runs that are missing; images need not be here', async () => {
  const executor = idleExecutor(false);
  const { runs } = await collect({ ...plan, store, shard: { index: 2, count: 2 }, executor });
  expect(runs.map(({ status }) => status)).toEqual(['planned']);
  expect(executor.lists).toMatchObject([{ kind: { name: 'collect' }, directory: store, unitsBefore: 0 }]);
  expect(executor.lists[0].jobs.map(({ id }) => id)).toEqual(runs.map(({ id }) => id));
});

test('an executor of this machine gets nothing before the images are there', async () => {
  const executor = idleExecutor(true);
  await expect(collect({ ...plan, store, executor })).rejects.toThrow(MissingFileError);
  expect(executor.lists).toEqual([]);
});
