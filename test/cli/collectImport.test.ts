import { spawnSync } from 'node:child_process';
import { join, resolve } from 'node:path';
import { expect, it } from 'vitest';
import { scratch, unpack } from '../collect/import/fixtures.js';
import { put } from '../collect/import/makeFiles.js';

const wnn = (...args: string[]) =>
  spawnSync(process.execPath, [resolve('dist/cli/main.js'), ...args], { cwd: scratch, encoding: 'utf8' });

it('imports what the options choose, says what was left out, and shows the kinds that were given', () => {
  const directory = join(unpack('cases'), 'torch-ema');
  const options = [
    '--key',
    'ema',
    '--exclude',
    '0.*',
    '--kind',
    '3.weight=conv',
    '--kind',
    '1.*=other',
    '--task',
    'cifar10',
  ];
  const { status, stderr, stdout } = wnn('collect', 'import', directory, '--store', 'store', '--id', 'a', ...options);
  expect(stderr).toMatch(/a: took the tensors of ema, not of the top, model; --key chooses/);
  expect(stderr).toMatch(/a: left out as asked: 0\.weight, 0\.bias/);
  expect(status).toBe(0);
  expect(stdout).toMatch(/a {4}complete {10}2 {4}24 {3}- {5}3 {5}- {10}- {11}- {6}9/);
  expect(JSON.parse(wnn('inspect', join('store', 'run=a'), '--json').stdout).manifest.task).toBe('cifar10');
  const inspected = wnn('inspect', join('store', 'run=a')).stdout;
  expect(inspected).toMatch(/tensor +kind +decided by +shape/);
  expect(inspected).toMatch(/3\.weight +conv +given +8 x 3/);
  expect(inspected).toMatch(/3\.bias +bias +rank +3/);
});

it('inspects checkpoints as an import takes them, and names the command', () => {
  const directory = join(unpack('cases'), 'torch-ema');
  const first = wnn('inspect', join(directory, 'epoch_0.pt'));
  expect(first.status).toBe(0);
  expect(first.stdout).toMatch(/: 1 checkpoint of format torch\n/);
  expect(first.stdout).toMatch(/`wnn collect import DIRECTORY` makes a run/);
  const all = wnn('inspect', directory);
  expect(all.stdout).toMatch(/: 2 checkpoints of format torch, the first of them .*epoch_0\.pt\n/);
  expect(all.stdout).toContain('`wnn collect import cases/torch-ema` makes a run of them');

  wnn('collect', 'import', directory, '--store', 'inspected', '--id', 'a');
  const { manifest } = JSON.parse(wnn('inspect', join('inspected', 'run=a'), '--json').stdout);
  expect(manifest.tensors.length).toBeGreaterThan(2);
  const listed = JSON.parse(wnn('inspect', directory, '--json').stdout);
  expect(listed).toMatchObject({ type: 'checkpoint', checkpoint: { checkpoints: 2, tensors: manifest.tensors } });
});

it('inspects no format that is not read, and says what converts it', () => {
  put(join(scratch, 'dumped.pkl'), Buffer.from([0x80, 4, 0x4e, 0x2e]));
  const refused = wnn('inspect', 'dumped.pkl');
  expect(refused.status).toBe(1);
  expect(refused.stderr).toMatch(/^wnn: pickles are never executed: dumped\.pkl; .*python -c /);
  put(join(scratch, 'notes.txt'), 'no weights');
  const other = wnn('inspect', 'notes.txt');
  expect(other.status).toBe(2);
  expect(other.stderr).toMatch(/^wnn: nothing of this toolkit, and no checkpoint that it reads: notes\.txt; /);
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
