import { fork } from 'node:child_process';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { MissingFileError, UsageError } from '../../src/errors.js';
import { type Job, type JobKind, type JobList, processExecutor } from '../../src/jobs/index.js';
import type { ProgressEvent } from '../../src/progress.js';

interface Spec {
  deed: string;
  value?: number | string;
  marker?: string;
}

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), 'wnn-jobs-'));
});
afterEach(() => rmSync(directory, { recursive: true, force: true }));

interface Result {
  square: number;
  bytes?: Float32Array;
  pid?: number;
  variable?: string;
}

const kind: JobKind<Spec> = {
  name: 'test',
  entry: new URL('./worker.mjs', import.meta.url),
  isDone: () => false,
  outputsOf: () => [],
  unitsOf: () => 10,
  unit: 'epochs',
  rateUnit: 'images',
  pack: (spec) => spec,
  unpack: (data) => data as Spec,
};

function run(specs: Spec[], options: Partial<JobList<Spec>> = {}) {
  const jobs: Job<Spec>[] = specs.map((spec, i) => ({ id: `job-${i}`, spec }));
  return processExecutor({ workers: 2 }).execute<Spec, Result>({ kind, directory, jobs, ...options });
}

const squares = (count: number): Spec[] => Array.from({ length: count }, (_, value) => ({ deed: 'square', value }));

test('does every job once, on as many processes as asked for, and gives the results in order', async () => {
  const events: ProgressEvent[] = [];
  const outcomes = await run(squares(9), {
    unitsBefore: 30,
    onProgress: (event) => events.push(event),
  });
  const results = outcomes.map((outcome) => (outcome.status === 'done' ? outcome.result : undefined));
  expect(results.map((result) => result?.square)).toEqual([0, 1, 4, 9, 16, 25, 36, 49, 64]);
  expect(results[3]?.bytes).toEqual(Float32Array.of(3));
  expect(new Set(results.map((result) => result?.pid)).size).toBeLessThanOrEqual(2);
  expect(events[0]).toMatchObject({ task: 'test', done: 30, total: 120, unit: 'epochs', resumed: 30 });
  expect(events.at(-1)).toMatchObject({ done: 120, total: 120 });
  expect(events.some(({ workers }) => workers?.some(({ detail }) => detail.startsWith('half of job-')))).toBe(true);
  expect(events.some(({ detail }) => detail === '10 images/s' || detail === '20 images/s')).toBe(true);
  expect(await run([])).toEqual([]);
});

test('tries a job that fails, or whose process dies, once more', async () => {
  const notes: string[] = [];
  const deeds = ['throw once', 'crash once', 'terminated once'];
  const specs = deeds.map((deed, i) => ({ deed, value: i + 2, marker: join(directory, `m${i}`) }));
  const outcomes = await run([...specs, ...squares(2)], { onNote: (note) => notes.push(note) });
  expect(outcomes.map((outcome) => outcome.status === 'done' && outcome.result?.square)).toEqual([4, 9, 16, 0, 1]);
  expect(notes.sort()).toEqual([
    'job-0 failed: a slip; retrying once',
    'job-1 failed: its worker process ended (SIGKILL); retrying once',
    'job-2 failed: its worker process ended (exit status 143); retrying once',
  ]);
});

test('gives a job up after the second failure and does the others', async () => {
  const outcomes = await run([{ deed: 'throw' }, { deed: 'exit' }, ...squares(3)]);
  expect(outcomes.map(({ status }) => status)).toEqual(['failed', 'failed', 'done', 'done', 'done']);
  expect(outcomes[0]).toMatchObject({ error: { name: 'TypeError', message: 'always wrong' } });
  expect(outcomes[1]).toMatchObject({ error: { message: 'its worker process ended (exit status 3): last words' } });
});

test('an error that the user must put right ends the list, the others in good order', async () => {
  const log = join(directory, 'log');
  const failing = run([{ deed: 'linger', value: log }, { deed: 'user error', value: log }, ...squares(50)]);
  await expect(failing).rejects.toThrow(MissingFileError);
  await expect(failing).rejects.toThrow('no images: /nowhere; fetch them');
  expect(readFileSync(log, 'utf8')).toBe('job-0 ended in good order\n');
});

test('an abort lets jobs in hand end in good order and cancels the rest', async () => {
  const log = join(directory, 'log');
  const controller = new AbortController();
  let lingering = 0;
  const outcomes = await run([{ deed: 'linger', value: log }, { deed: 'linger', value: log }, ...squares(5)], {
    signal: controller.signal,
    onNote: () => {
      if (++lingering === 2) controller.abort();
    },
  });
  expect(outcomes.map(({ status }) => status)).toEqual(Array(7).fill('canceled'));
  expect(readFileSync(log, 'utf8').split('\n').sort().slice(1)).toEqual([
    'job-0 ended in good order',
    'job-1 ended in good order',
  ]);
  expect((await run(squares(2), { signal: controller.signal })).map(({ status }) => status)).toEqual(
    Array(2).fill('canceled'),
  );
});

test('the processes have the environment that their kind wants where so many share the machine', async () => {
  const env = (processes: number) => ({ WNN_TEST: `one of ${processes}` });
  const outcomes = await run([{ deed: 'environment' }], { kind: { ...kind, env } });
  expect(outcomes[0]).toMatchObject({ status: 'done', result: { variable: 'one of 1' } });
});

test('an impossible number of workers is refused', () => {
  for (const workers of [0, 1.5, Number.NaN]) expect(() => processExecutor({ workers })).toThrow(UsageError);
});

test('workers that cannot start are an error, not a loop', async () => {
  const entry = new URL(`file://${directory}/missing.mjs`);
  await expect(run(squares(4), { kind: { ...kind, entry } })).rejects.toThrow(
    /workers cannot be started.*missing\.mjs/s,
  );
});

test('a worker ends when its pool is killed', async () => {
  const pidFile = join(directory, 'pid');
  const script = join(directory, 'pool.mjs');
  const here = (path: string) => JSON.stringify(new URL(path, import.meta.url).href);
  writeFileSync(
    script,
    `import { processExecutor } from ${here('../../dist/jobs/index.js')};
     const spec = { deed: 'report pid and linger', value: ${JSON.stringify(pidFile)} };
     const kind = { name: 'x', entry: new URL(${here('./worker.mjs')}), unitsOf: () => 1 };
     await processExecutor({ workers: 1 }).execute({ kind, jobs: [{ id: 'a', spec }] });`,
  );
  const pool = fork(script, { execArgv: [], stdio: 'ignore' });
  while (!existsSync(pidFile) || readFileSync(pidFile, 'utf8') === '') await sleep(20);
  const pid = Number(readFileSync(pidFile, 'utf8'));
  pool.kill('SIGKILL');
  const alive = () => {
    try {
      return process.kill(pid, 0);
    } catch {
      return false;
    }
  };
  for (let i = 0; i < 250 && alive(); i++) await sleep(20);
  expect(alive()).toBe(false);
});
