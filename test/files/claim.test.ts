import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync, statSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { claim, tryClaim } from '../../src/files/claim.js';
import { temporaryName } from '../../src/files/temporary.js';
import { leftovers, runProgram } from '../faults/faults.js';

const CHILD = fileURLToPath(new URL('./claimChild.mjs', import.meta.url));
let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wnn-claim-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

test('four processes never have a claim at once', async () => {
  const path = join(root, 'run=a');
  const ended = await Promise.all([1, 2, 3, 4].map(() => runProgram([CHILD, path, '15'])));
  expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual(Array(4).fill([0, '']));
  expect(leftovers(root)).toEqual([]);
}, 120_000);

test('the claim of a process that is killed is free; of one that lives it is not', async () => {
  const path = join(root, 'run=a');
  const child = spawn(process.execPath, [CHILD, path, '0', 'hang'], { stdio: ['ignore', 'pipe', 'inherit'] });
  await once(child.stdout, 'data');
  const controller = new AbortController();
  const waiting = claim(path, { onWait: () => controller.abort(new Error('waited')), signal: controller.signal });
  await expect(waiting).rejects.toThrow();
  expect(controller.signal.reason.message).toBe('waited');
  child.kill('SIGKILL');
  await once(child, 'exit');
  const release = await claim(path);
  release();
  expect(leftovers(root)).toEqual([]);
}, 60_000);

test('the claim of another machine lapses when it is not renewed for ten minutes', () => {
  const path = join(root, 'run=a');
  const foreign = temporaryName(path, 'claim', 'fedcba-abcdef-1a-2b-3c');
  writeFileSync(foreign, '');
  expect(tryClaim(path)).toBeNull();
  const ago = (minutes: number) => new Date(Date.now() - 60_000 * minutes);
  utimesSync(foreign, ago(9), ago(9));
  expect(tryClaim(path)).toBeNull();
  utimesSync(foreign, ago(11), ago(11));
  const release = tryClaim(path);
  expect(release).not.toBeNull();
  expect(tryClaim(path)).toBeNull();
  release?.();
  expect(existsSync(foreign)).toBe(true);
});

test('a claim is renewed while it is held', async () => {
  vi.useFakeTimers();
  try {
    const path = join(root, 'run=a');
    const release = tryClaim(path);
    const [name] = leftovers(root);
    utimesSync(join(root, name), new Date(0), new Date(0));
    vi.advanceTimersByTime(61_000);
    expect(Date.now() - statSync(join(root, name)).mtimeMs).toBeLessThan(120_000);
    release?.();
    vi.advanceTimersByTime(61_000);
    expect(leftovers(root)).toEqual([]);
  } finally {
    vi.useRealTimers();
  }
});
