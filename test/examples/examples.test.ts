// The examples, run as their first lines say.

import { execFileSync } from 'node:child_process';
import { cpSync, existsSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { createServer } from 'vite';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportPackage } from '../../src/export/index.js';
import { CHROMIUM, resultOf } from '../package/pages.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'wnn-examples-'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

const run = (command: string, args: string[], env: NodeJS.ProcessEnv = {}) =>
  execFileSync(command, args, { encoding: 'utf8', stdio: 'pipe', env: { ...process.env, ...env } });
const wnn = (...args: string[]) => run(process.execPath, ['dist/cli/main.js', ...args]);

it('fit: nowcasts', () => {
  expect(run(process.execPath, ['examples/fit.mjs'])).toMatch(/^epoch 5: kept, 161 weights$/m);
}, 120_000);

it('loop: records what `wnn inspect` reads', () => {
  const store = join(dir, 'loop');
  expect(run(process.execPath, ['examples/loop.mjs', store])).toMatch(/^linear-0000: complete, 12 snapshots$/m);
  expect(wnn('inspect', store)).toMatch(/linear-0000 .*12/);
}, 120_000);

it('cluster: a job of the array has its share of the plan', () => {
  const args = [
    'collect',
    '--plan',
    'examples/cluster/plan.yaml',
    '--store',
    join(dir, 'cluster'),
    '--dry-run',
    '--json',
  ];
  expect((JSON.parse(wnn(...args)) as { runs: unknown[] }).runs).toHaveLength(40);
}, 120_000);

it.skipIf(!existsSync(CHROMIUM))(
  'page: nowcasts in Chromium (skipped where /usr/bin/chromium is absent)',
  async () => {
    const root = join(dir, 'page');
    cpSync('examples/page', root, { recursive: true });
    mkdirSync(join(root, 'node_modules'));
    symlinkSync(resolve('node_modules/@tensorflow'), join(root, 'node_modules/@tensorflow'));
    const name = 'weight-nowcaster-callback';
    await exportPackage({ format: 'npm', from: 'weights/zoo', to: join(root, 'node_modules', name), name });
    const server = await createServer({ root, configFile: false, logLevel: 'silent', server: { port: 0 } });
    await server.listen();
    const { result, problems } = await resultOf(server.resolvedUrls!.local[0]!).finally(() => server.close());
    expect(result).toBe('epoch 5: kept\nepoch 8: kept\nepoch 11: kept');
    expect(problems).toEqual([]);
  },
  120_000,
);

const PYTHON = resolve(process.env.PYTHON ?? '.venv/bin/python');
it.skipIf(!existsSync(PYTHON))(
  'pytorch: its checkpoints are imported (skipped where $PYTHON names no Python)',
  () => {
    const checkpoints = join(dir, 'checkpoints');
    run(PYTHON, ['examples/pytorch/train.py', checkpoints]);
    expect(wnn('collect', 'import', checkpoints, '--store', join(dir, 'pytorch'))).toMatch(/complete +12/);
  },
  300_000,
);
