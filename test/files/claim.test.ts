import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { claim } from '../../src/files/claim.js';
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
