import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { scratch, unpack } from '../collect/import/fixtures.js';
import { put } from '../collect/import/makeFiles.js';

const wnn = (...args: string[]) =>
  spawnSync(process.execPath, [resolve('dist/cli/main.js'), ...args], { cwd: scratch, encoding: 'utf8' });

it('imports what the options choose, says what was left out, and shows the kinds that were given', () => {
  const directory = join(unpack('cases'), 'torch-ema');
  const options = ['--key', 'ema', '--exclude', '0.*', '--kind', '3.weight=conv', '--kind', '1.*=other'];
  const { status, stderr, stdout } = wnn('collect', 'import', directory, '--store', 'store', '--id', 'a', ...options);
  expect(stderr).toMatch(/a: took the tensors of ema, not of the top, model; --key chooses/);
  expect(stderr).toMatch(/a: left out as asked: 0\.weight, 0\.bias/);
  expect(status).toBe(0);
  expect(stdout).toMatch(/a {4}complete {10}2 {4}24 {3}- {5}3 {5}- {10}- {11}- {6}9/);
  const inspected = wnn('inspect', join('store', 'run=a')).stdout;
  expect(inspected).toMatch(/tensor +kind +decided by +shape/);
  expect(inspected).toMatch(/3\.weight +conv +given +8 x 3/);
  expect(inspected).toMatch(/3\.bias +bias +rank +3/);
});

it('says in one line what is wrong, with status 1 or 2', () => {
  const directory = join(unpack('cases'), 'torch-ema');
  const missing = wnn('collect', 'import', directory, '--store', 'other', '--key', 'nothing');
  expect(missing.status).toBe(2);
  expect(missing.stderr.trim()).toMatch(/^wnn: no dictionary of tensors nothing: .*choose with --key from .*model/);
  const kind = wnn('collect', 'import', directory, '--store', 'other', '--kind', 'fc');
  expect(kind.status).toBe(2);
  expect(kind.stderr.trim()).toMatch(/^wnn: fc gives no kind: --kind; write a pattern/);
});

it('imports files of a further format by the module that is named', () => {
  for (const epoch of [1, 2]) put(join(scratch, 'lines', `e${epoch}.lines`), `#weights\nw float 2x1 ${epoch},0\n`);
  const module = resolve('test/extend/linesImporter.mjs');
  const { status, stdout } = wnn('collect', 'import', 'lines', '--store', 'l', '--importer-module', module, '--json');
  expect(status).toBe(0);
  expect(JSON.parse(stdout)).toMatchObject({ format: 'lines', runs: [{ id: 'import-lines', snapshots: 2 }] });
  const unknown = wnn('collect', 'import', 'lines', '--store', 'l2', '--format', 'lines');
  expect(unknown.stderr).toMatch(/^wnn: no format lines: --format; choose from auto, h5,/);
});
