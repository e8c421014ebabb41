// What a worker does with the jobs of a real queue: good ones, poisoned ones, ones that fail, and ones it cannot do.

import { createHash } from 'node:crypto';
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { Queue } from 'bullmq';
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest';
import { planRuns } from '../../src/collect/index.js';
import { QueueError, UsageError, WriteError } from '../../src/errors.js';
import { STAGE_KINDS } from '../../src/fleet/kinds.js';
import { cleanParked, drainQueue, readQueueStatus, retryParked } from '../../src/fleet/manage.js';
import { queueExecutor } from '../../src/fleet/queueExecutor.js';
import { ensureToken, TOKEN_FILE } from '../../src/fleet/token.js';
import { runWorker } from '../../src/fleet/worker.js';
import type { JobKind } from '../../src/jobs/index.js';
import { TOOLKIT_VERSION } from '../../src/version.js';
import { startWnn } from './killing.js';
import { NO_REDIS, type RedisServer, startRedis } from './redis.js';

const PASSWORD = 'open-sesame';
const suite = test.skipIf(NO_REDIS);

interface Echo {
  id: string;
  what: string;
  staging: string;
}

const echo: JobKind<Echo> = {
  name: 'echo',
  entry: new URL('./echoWorker.mjs', import.meta.url),
  isDone: (directory, id) => existsSync(join(directory, `${id}.txt`)),
  outputsOf: (id) => [`${id}.txt`],
  unitsOf: () => 1,
  unit: 'jobs',
  pack: ({ what }) => what,
  unpack(data, id, { staging }) {
    if (data === 'refuse') throw new UsageError({ what: 'refused', where: id, remedy: 'none' });
    return { id, what: String(data), staging };
  },
};
const KINDS = { ...STAGE_KINDS, echo: async () => echo };

let root: string;
let store: string;
let redis: RedisServer;
let queue: Queue;
let url: string;
let tests = 0;

beforeAll(async () => {
  if (NO_REDIS) return;
  process.env.WNN_QUEUE_PASSWORD = PASSWORD;
  root = mkdtempSync(join(tmpdir(), 'wnn-queue-'));
  redis = await startRedis(root, PASSWORD);
});

beforeEach(() => {
  if (NO_REDIS) return;
  const name = `q${tests++}`;
  url = redis.urlOf(name);
  store = join(root, name);
  mkdirSync(store);
  queue = new Queue(name, { prefix: 'wnn', connection: { port: redis.port, password: PASSWORD } });
  return async () => queue.close();
});

afterAll(async () => {
  if (NO_REDIS) return;
  await redis.kill();
  rmSync(root, { recursive: true, force: true });
});

/** A job that a worker takes, with some of its fields replaced. */
function message(id: string, fields: Record<string, unknown> = {}) {
  const base = { format: 1, kind: 'echo', id, toolkitVersion: TOOLKIT_VERSION, units: 1, spec: 'write' };
  return { ...base, directory: store.slice(root.length + 1), token: ensureToken(store), ...fields };
}

function add(id: string, fields: Record<string, unknown> = {}) {
  return queue.add('job', message(id, fields), { jobId: id, attempts: 3, backoff: 50, removeOnComplete: true });
}

/** Starts a worker in this process. */
function work(options: Partial<Parameters<typeof runWorker>[0]> = {}) {
  const abort = new AbortController();
  const notes: string[] = [];
  const onNote = (note: string) => notes.push(note);
  const ended = runWorker({ queue: url, kinds: KINDS, root, lockSeconds: 2, onNote, signal: abort.signal, ...options });
  ended.catch(() => {});
  return { notes, ended, stop: () => abort.abort() };
}

async function until(condition: () => Promise<boolean> | boolean): Promise<void> {
  for (let tries = 0; !(await condition()); tries++) {
    if (tries > 400) throw new Error('waited too long');
    await sleep(50);
  }
}

const runSpec = (id: string, change: (run: Record<string, unknown>) => void) => {
  const run: Record<string, unknown> = { ...planRuns({ tasks: ['mnist/mlp'] })[0] };
  change(run);
  const { id: _id, ...settings } = run;
  const hash = createHash('sha256').update(JSON.stringify(settings)).digest('hex').slice(0, 8);
  // With the id that such a plan would give it, so that only the check of its values stands in its way.
  const own = `${String(run.task).replaceAll('/', '-')}-0000-${hash}`;
  return { kind: 'collect', id: id || own, spec: { run: { ...run, id: own }, engine: 'wasm' } };
};

suite('a worker refuses poisoned jobs with one clear line each, and goes on', async () => {
  const outside = join(root, 'outside');
  mkdirSync(outside, { recursive: true });
  const token = ensureToken(outside);
  const elsewhere = mkdtempSync(join(tmpdir(), 'wnn-elsewhere-'));
  writeFileSync(join(elsewhere, TOKEN_FILE), token);
  symlinkSync(elsewhere, join(root, 'linked'));
  symlinkSync(join(elsewhere, 'nothing'), join(root, 'dangling'));
  const poisons: [Record<string, unknown>, RegExp][] = [
    [{ directory: '../outside', token }, /path outside the shared directory/],
    [{ directory: outside, token }, /path outside the shared directory/],
    [{ directory: 'a/../../outside', token }, /path outside the shared directory/],
    [{ directory: 'a\0b' }, /impossible path/],
    [{ directory: 'linked', token }, /a symbolic link leads out of the shared directory/],
    [{ directory: 'linked/deeper/x', token }, /a symbolic link leads out of the shared directory/],
    [{ directory: 'dangling', token }, /path that cannot be followed/],
    [{ kind: 'node:child_process' }, /unknown kind of job/],
    [{ kind: 'constructor' }, /unknown kind of job/],
    [{ id: '../../x' }, /impossible id/],
    [{ format: 99 }, /format 99/],
    [{ token: 'x' }, /no token/],
    [{ spec: 'y'.repeat(2 ** 20) }, /at most 1048576/],
    [runSpec('', (run) => Object.assign(run, { task: 'mnist/none' })), /unknown task/],
    [runSpec('', (run) => Object.assign(run, { task: '../../etc' })), /impossible id/],
    [runSpec('', (run) => Object.assign(run, { epochs: 1e12 })), /impossible epochs/],
    [runSpec('', (run) => Object.assign(run, { batchSize: 2 ** 40 })), /impossible batchSize/],
    [runSpec('', (run) => Object.assign(run, { width: 1e6 })), /impossible width/],
    [runSpec('mnist-mlp-0000-00000000', () => {}), /impossible id/],
    [{ kind: 'dataset', spec: { task: { directory: '/etc' }, sha256: '0'.repeat(64) } }, /refused part/],
    [{ kind: 'evaluate', spec: { task: 'mnist/mlp', method: { type: 'nowcaster' } } }, /refused training/],
  ];
  for (const [i, [fields]] of poisons.entries()) {
    await queue.add('job', message(`poison-${i}`, fields), { jobId: `poison-${i}`, attempts: 3, backoff: 50 });
  }
  await add('good');
  const worker = work();
  await until(() => echo.isDone(store, 'good'));
  await until(async () => (await readQueueStatus(url)).parked === poisons.length);
  worker.stop();
  expect(await worker.ended).toMatchObject({ done: 1, failed: poisons.length });
  for (const [i, [, reason]] of poisons.entries()) {
    const job = await queue.getJob(`poison-${i}`);
    expect(job?.failedReason, `poison ${i}`).toMatch(reason);
    expect(job?.failedReason?.split('\n')).toHaveLength(1);
    expect(job?.attemptsMade, 'not tried again').toBe(1);
  }
  expect(readdirSync(outside)).toEqual([TOKEN_FILE]);
  expect(readdirSync(elsewhere)).toEqual([TOKEN_FILE]);
  rmSync(elsewhere, { recursive: true });
  expect(readdirSync(store).sort()).toEqual([TOKEN_FILE, 'good.txt']);
});

suite('a worker that cannot do two jobs in a row hands them back, says why and leaves; another does them', async () => {
  const cases: [string, Record<string, unknown>, RegExp, new (...args: never[]) => Error][] = [
    ['version', { toolkitVersion: '99.0.0' }, /jobs of toolkit "99\.0\.0", this worker is/, QueueError],
    ['token', { token: '0'.repeat(32) }, /another directory than the plan/, QueueError],
    ['full', { spec: 'full' }, /disk full/, WriteError],
  ];
  for (const [id, fields, reason, kind] of cases) {
    const job = await add(id, fields);
    const worker = work();
    await expect(worker.ended).rejects.toThrow(reason);
    await expect(worker.ended).rejects.toBeInstanceOf(kind);
    expect(['waiting', 'delayed']).toContain(await job.getState());
    // Right again, as on a machine that can.
    await job.updateData(message(id));
    const able = work();
    await until(() => echo.isDone(store, id));
    able.stop();
    expect(await able.ended).toMatchObject({ done: 1, failed: 0 });
  }
});

suite('a job that no worker can do is parked, and no worker leaves for it', async () => {
  await add('foreign', { token: '0'.repeat(32) });
  const workers = [work(), work(), work()];
  // Between its hand-backs there are others to do.
  let count = 0;
  await until(async () => {
    const { parked, waiting } = await readQueueStatus(url);
    // More than one for each worker, so that none takes the foreign one twice without another between.
    if (parked === 0 && waiting < 12) await Promise.all(workers.map(() => add(`good-${count++}`)));
    return parked === 1;
  });
  const { parkedJobs } = await readQueueStatus(url);
  expect(parkedJobs).toEqual([
    expect.objectContaining({
      id: 'foreign',
      error: expect.stringMatching(/^3 workers could not run it.*another dir/),
    }),
  ]);
  await add('last');
  await until(() => echo.isDone(store, 'last'));
  for (const worker of workers) worker.stop();
  const ended = await Promise.all(workers.map((worker) => worker.ended));
  expect(ended.reduce((sum, { handedBack }) => sum + handedBack, 0)).toBe(2);
  expect(ended.reduce((sum, { failed }) => sum + failed, 0)).toBe(1);
  // As on machines that can.
  await (await queue.getJob('foreign'))?.updateData({ ...message('foreign'), handBacks: 2 });
  expect(await retryParked(url)).toBe(1);
  expect((await queue.getJob('foreign'))?.data).toEqual(message('foreign'));
  await drainQueue(url);
});

suite('a job that fails three times is parked with its error; retry, drain and clean', async () => {
  await add('bad', { spec: 'fail' });
  const worker = work();
  await until(async () => (await readQueueStatus(url)).parked === 1);
  const parked = { kind: 'echo', id: 'bad', attempts: 3, error: 'as told' };
  expect((await readQueueStatus(url)).parkedJobs).toEqual([parked]);
  expect(worker.notes.filter((note) => note.includes('failed: as told'))).toHaveLength(3);
  expect(await retryParked(url)).toBe(1);
  await until(() => worker.notes.filter((note) => note.includes('failed: as told')).length === 6);
  await until(async () => (await readQueueStatus(url)).parked === 1);
  worker.stop();
  await worker.ended;
  expect(await cleanParked(url)).toBe(1);
  await add('waiting');
  expect(await drainQueue(url)).toBe(1);
  expect(await readQueueStatus(url)).toMatchObject({ waiting: 0, delayed: 0, running: 0, parked: 0 });
});

suite('a worker that is told to stop hands its job back, and the plan completes elsewhere', async () => {
  const jobs = ['a', 'b', 'c'].map((id) => ({ id, spec: { id, what: 'wait', staging: '' } }));
  const stop = new AbortController();
  const progress: number[] = [];
  const executor = queueExecutor({ queue: url, root });
  const list = {
    kind: echo,
    directory: store,
    onProgress: ({ done }: { done: number }) => progress.push(done),
  };
  const first = executor.execute({ ...list, jobs, signal: stop.signal });
  const worker = work({ concurrency: 2 });
  await until(async () => (await readQueueStatus(url)).runningJobs.filter(({ fraction }) => fraction > 0).length === 2);
  await until(() => progress.some((done) => done >= 1));
  worker.stop();
  expect(await worker.ended).toEqual({ done: 0, found: 0, failed: 0, handedBack: 2 });
  expect(await readQueueStatus(url)).toMatchObject({ waiting: 3, running: 0 });
  expect(existsSync(join(store, '.fleet')) && readdirSync(join(store, '.fleet'))).toEqual([]);
  stop.abort();
  expect((await first).map(({ status }) => status)).toEqual(['canceled', 'canceled', 'canceled']);
  // Emptied behind the plan's back, and one result made by others: the plan adds what is missing.
  await drainQueue(url);
  writeFileSync(join(store, 'b.txt'), 'b');
  const again = executor.execute({
    ...list,
    jobs: jobs.map(({ id, spec }) => ({ id, spec: { ...spec, what: 'write' } })),
  });
  const other = work();
  expect((await again).map(({ status }) => status)).toEqual(['done', 'done', 'done']);
  other.stop();
  expect(await other.ended).toMatchObject({ done: 2 });
  expect(readdirSync(store).sort()).toEqual([TOKEN_FILE, 'a.txt', 'b.txt', 'c.txt']);
});

suite('a directory that disappears is waited for: no job is parked, no worker leaves', async () => {
  const worker = work();
  await add('before');
  await until(() => existsSync(join(store, 'before.txt')));
  const messages = ['a', 'b', 'c', 'd'].map((id) => message(id));
  renameSync(store, `${store}.away`);
  const noted = (text: string) => worker.notes.filter((note) => note === `${store} ${text}`);
  await Promise.all(messages.map((job) => queue.add('job', job, { jobId: job.id, attempts: 3 })));
  await until(() => noted('is gone; waiting for it').length > 0);
  await until(async () => (await queue.getJobCounts('delayed')).delayed === 4);
  expect(existsSync(store)).toBe(false);
  renameSync(`${store}.away`, store);
  await until(() => ['a', 'b', 'c', 'd'].every((id) => existsSync(join(store, `${id}.txt`))));
  expect(await queue.getJobCounts('failed')).toEqual({ failed: 0 });
  worker.stop();
  await worker.ended;
  expect([noted('is gone; waiting for it').length, noted('is back').length]).toEqual([1, 1]);
});

suite('a result that was written where the directory was before it disappeared is not published', async () => {
  const worker = work();
  await add('lost', { spec: 'lose' });
  await until(() => worker.notes.includes(`${store} is gone; waiting for it`));
  expect(readdirSync(store, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())).toEqual([]);
  rmSync(store, { recursive: true });
  renameSync(`${store}.away`, store);
  await until(() => existsSync(join(store, 'lost.txt')));
  worker.stop();
  expect(await worker.ended).toMatchObject({ done: 1, failed: 0 });
});

suite('a plan ends when all that is left is parked, and a second one tells so again', async () => {
  const jobs = Array.from({ length: 12 }, (_, i) => {
    return { id: `j${i}`, spec: { id: `j${i}`, what: i % 2 === 0 ? 'refuse' : 'write', staging: '' } };
  });
  const worker = work();
  const notes: string[] = [];
  const executor = queueExecutor({ queue: url, root });
  const list = { kind: echo, directory: store, onNote: (note: string) => notes.push(note) };
  const statuses = (await executor.execute({ ...list, jobs })).map(({ status }) => status);
  expect(statuses).toEqual(jobs.map((_, i) => (i % 2 === 0 ? 'failed' : 'done')));
  expect(notes.filter((note) => /j\d+ is parked: refused: j\d+; none/.test(note))).toHaveLength(6);
  const parked = jobs.filter((_, i) => i % 2 === 0);
  const again = await executor.execute({ ...list, jobs: parked });
  worker.stop();
  expect(await worker.ended).toEqual({ done: 6, found: 0, failed: 6, handedBack: 0 });
  expect(again.map((outcome) => outcome.status === 'failed' && outcome.error.message)).toEqual(
    parked.map(({ id }) => `refused: ${id}; none`),
  );
});

suite('no password in errors, in what a worker prints or in its command line', async () => {
  const secret = 'wrong:pass%2Fword';
  const withSecret = `redis://user:${secret}@127.0.0.1:${redis.port}/q`;
  const refused = await work({ queue: withSecret }).ended.catch((error: Error) => error);
  expect(refused).toBeInstanceOf(QueueError);
  expect(String((refused as Error).stack)).toContain('wrong user or password');
  expect(String((refused as Error).stack)).not.toMatch(/wrong:pass|pass%2F|pass\/word/);
  expect((refused as Error).cause).toBeUndefined();
  const malformed = await work({ queue: `redis://:${secret}@/` }).ended.catch((error: Error) => error);
  expect(malformed).toBeInstanceOf(UsageError);
  expect((malformed as Error).message).not.toMatch(/pass%2F|pass\/word/);

  const env = { WNN_QUEUE_PASSWORD: '' };
  const child = startWnn(root, ['worker', '--queue', `redis://:${PASSWORD}@127.0.0.1:${redis.port}/q`], env);
  await until(() => child.err.includes('waiting for jobs'));
  expect(readFileSync(`/proc/${child.child.pid}/cmdline`, 'latin1')).not.toContain(PASSWORD);
  child.child.kill('SIGTERM');
  expect(await child.ended).toBe(0);
  expect(child.out + child.err).not.toContain(PASSWORD);
});
