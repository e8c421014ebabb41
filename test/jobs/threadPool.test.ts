import { afterEach, beforeEach, expect, test } from 'vitest';
import { MissingFileError } from '../../src/errors.js';
import { ThreadPool } from '../../src/jobs/threadPool.js';

interface Task {
  deed: string;
  values?: Float32Array<ArrayBuffer>;
}

let pool: ThreadPool<Task, Float32Array>;
beforeEach(() => {
  pool = new ThreadPool(new URL('./thread.mjs', import.meta.url), 1);
});
afterEach(() => pool.end());

const double = (value: number) => {
  const values = Float32Array.of(value);
  return pool.run({ deed: 'double', values }, [values.buffer]);
};

test('hands buffers over rather than copying them, there and back', async () => {
  const values = Float32Array.of(1, 2, 3);
  const doubled = await pool.run({ deed: 'double', values }, [values.buffer]);
  expect(doubled).toEqual(Float32Array.of(2, 4, 6));
  expect(values.length).toBe(0);
  expect(await pool.run({ deed: 'is the last result gone' }, [])).toEqual(Float32Array.of(1));
});

test('errors keep their class, or at least their name, and the thread goes on', async () => {
  const failure = await pool.run({ deed: 'user error' }, []).catch((error) => error);
  expect(failure).toBeInstanceOf(MissingFileError);
  expect(failure).toMatchObject({ what: 'no run', where: '/nowhere', remedy: 'record it', exitCode: 1 });
  await expect(pool.run({ deed: 'throw' }, [])).rejects.toMatchObject({ name: 'RangeError', message: 'out of range' });
  expect(await double(4)).toEqual(Float32Array.of(8));
});

test('a thread that ends fails its task and is replaced', async () => {
  const [ended, next] = await Promise.allSettled([pool.run({ deed: 'exit' }, []), double(5)]);
  expect(ended.status).toBe('rejected');
  expect(next).toMatchObject({ status: 'fulfilled', value: Float32Array.of(10) });
});

test('a signal ends a thread that never comes to an end, and tasks that wait for it are done', async () => {
  const stop = new AbortController();
  const looping = pool.run({ deed: 'loop' }, [], stop.signal);
  const waiting = double(6);
  setTimeout(() => stop.abort(), 100);
  await expect(looping).rejects.toThrow(/abort/i);
  expect(await waiting).toEqual(Float32Array.of(12));
});
