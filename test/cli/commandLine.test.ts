// The command line in this process, and once as a program of its own.

import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { runCommandLine } from '../../src/cli/commandLine.js';
import { runInProcess } from './inProcess.js';

const former = process.cwd();
const MAIN = resolve('dist/cli/main.js');
let directory: string;
beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'wnn-main-'));
  process.chdir(directory);
});
afterAll(() => {
  process.chdir(former);
  rmSync(directory, { recursive: true, force: true });
});

const run = (...words: string[]) => runInProcess(runCommandLine, words);

describe('wnn', () => {
  it.each([
    { words: [], says: 'name a command' },
    { words: ['colect'], says: 'unknown command colect; did you mean collect?' },
    { words: ['engine', 'link'], says: 'unknown argument link' },
    { words: ['train'], says: 'missing <samples>: wnn train <samples>' },
    { words: ['collect', 'import'], says: 'missing <sources>: wnn collect import <sources..>' },
    { words: ['train', 'nowhere'], says: 'missing --out' },
    { words: ['zoo', '--help'], says: 'unknown command zoo' },
    { words: ['train', 'nowhere', '--out', 'x', '--bar'], says: 'unknown option --bar' },
    {
      words: ['train', 'nowhere', '--out', 'x', '--epoch', '3'],
      says: 'unknown option --epoch; did you mean --epochs?',
    },
    { words: ['train', 'nowhere', '--out', 'x', '--epochs', 'ten'], says: '--epochs ten is not a number' },
    { words: ['train', 'nowhere', '--out'], says: '--out has no value' },
    { words: ['train', 'nowhere', '--out', 'x', '--kind', 'cov'], says: '--kind cov is not known; did you mean conv?' },
    {
      words: ['collect', '--engine', 'wams', '--task', 'mnist/mlp'],
      says: '--engine wams is not known; did you mean wasm?',
    },
    { words: ['train', 'nowhere', '--out', 'x', '--out', 'y'], says: '--out is given 2 times' },
    { words: ['evaluate', '--out', 'x', '--method', '--epochs', '2'], says: 'Not enough arguments following: method' },
  ])('ends with status 2, one line and no work on $words', async ({ words, says }) => {
    const { status, out, err } = await run(...words);
    expect(err).toContain(says);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).toContain('--help');
    expect(out).toBe('');
    expect(status).toBe(2);
  });

  it('explains a command that is named after help', async () => {
    const { status, out } = await run('help', 'train');
    expect(out).toBe((await run('train', '--help')).out);
    expect(out).toContain('--learning-rate');
    expect(status).toBe(0);
  });

  it.each([
    { words: ['dataset', 'nowhere', '--out', 'x'], says: 'nowhere' },
    { words: ['train', 'nowhere', '--out', 'x'], says: 'nowhere/dataset.json' },
    { words: ['export', '--from', 'nowhere', '--to', 'x'], says: 'nowhere' },
    { words: ['inspect', 'nowhere'], says: 'nowhere' },
    { words: ['evaluate', '--nowcaster', 'a=nowhere', '--nowcaster', 'b=nowhere', '--out', 'x'], says: 'nowhere' },
  ])('ends with status 1 and one line on $words', async ({ words, says }) => {
    const { status, out, err } = await run(...words);
    expect(err).toContain(says);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(err).toMatch(/^wnn: [^:]+: .+; .+/);
    expect(out).toBe('');
    expect(status).toBe(1);
  });

  it('takes the word zoo for the nowcaster that ships with it', async () => {
    const { status, out } = await run('inspect', 'zoo');
    expect([status, out]).toEqual([0, expect.stringMatching(/weights\/zoo: nowcaster "zoo"/)]);
  });

  it.each([
    { words: ['collect', '--store', 'x', '--task', 'mnist/lenex'], says: 'mnist/lenex; did you mean mnist/lenet?' },
    { words: ['collect', '--store', 'x', '--task', 'mnist/mlp', '--epochs', '0'], says: '0' },
    { words: ['evaluate', '--out', 'x', '--method', 'linaer'], says: 'linaer; did you mean linear?' },
    { words: ['evaluate', '--out', 'x', '--seed', '1,two'], says: 'not a number: --seed two' },
    { words: ['export', '--from', 'x', '--to', 'y', '--format', 'onx'], says: 'onx; did you mean onnx?' },
    { words: ['data', 'get', 'cifar'], says: 'cifar' },
    { words: ['train', 'data/a', 'data/b', '--out', 'x'], says: 'unknown argument data/b; see' },
  ])('ends with status 2 and one line that shows what was typed on $words', async ({ words, says }) => {
    const { status, out, err } = await run(...words);
    expect(err).toContain(says);
    expect(err.trimEnd().split('\n')).toHaveLength(1);
    expect(out).toBe('');
    expect(status).toBe(2);
  });

  it.each([
    { words: ['--task', 'mnist/mlp', 'mnist/lenet'] },
    { words: ['--task', 'mnist/mlp,mnist/lenet'] },
    { words: ['--task', 'mnist/mlp', '--task', 'mnist/lenet'] },
  ])('takes a list as $words', async ({ words }) => {
    const { out, status } = await run(
      'collect',
      ...words,
      '--batch-size',
      '8,16',
      '--dry-run',
      '--json',
      '--store',
      'x',
    );
    expect(status).toBe(0);
    const { runs } = JSON.parse(out) as { runs: { task: string }[] };
    expect(runs.map(({ task }) => task)).toEqual(['mnist/mlp', 'mnist/lenet']);
  });

  it.each([
    {
      words: ['train', 'nowhere', '--out', 'x'],
      error: { name: 'MissingFileError', what: 'no samples here', where: 'nowhere/dataset.json' },
    },
    {
      words: ['train', 'nowhere', '--out', 'x', '--epochs', 'ten'],
      error: { name: 'UsageError', what: '--epochs ten is not a number', where: 'wnn train' },
    },
    {
      words: ['trian'],
      error: { name: 'UsageError', what: 'unknown command trian; did you mean train?', where: 'wnn' },
    },
  ])('prints an object of the error of $words with --json, and its line all the same', async ({ words, error }) => {
    const plain = await run(...words);
    const { status, out, err } = await run(...words, '--json');
    expect(JSON.parse(out)).toEqual({ error: { ...error, remedy: expect.stringMatching(/\w/) } });
    expect(err).toBe(plain.err);
    expect(status).toBe(plain.status);
  });

  it('lists every command in its help', async () => {
    const { status, out } = await run('--help');
    expect(status).toBe(0);
    for (const command of ['run', 'collect', 'dataset', 'train', 'export', 'evaluate', 'report', 'inspect', 'doctor'])
      expect(out).toContain(`wnn ${command}`);
  });

  it('says in the help of a command what is a list, and shows examples that can be copied', async () => {
    const { status, out } = await run('dataset', '--help');
    expect(status).toBe(0);
    expect(out).toMatch(/^ {2}stores {2}.* \[list\] \[required\]$/m);
    expect(out).toMatch(/--horizon .* \[list\] \[default: 5\]$/m);
    expect(out).not.toMatch(/\[array\]|\[\[/);
    expect(out).toMatch(/^ {4}wnn dataset data\/mine\/trajectories --out data\/mine\/samples$/m);
  });

  it('keeps its help within 100 columns, but for commands to copy, and its defaults in one piece', async () => {
    for (const command of ['evaluate', 'dataset', 'collect', 'export']) {
      const { out } = await run(command, '--help');
      const lines = out.split('\n').filter((line) => !line.startsWith('    wnn '));
      expect(lines.filter((line) => line.length > 100)).toEqual([]);
    }
    const { out } = await run('evaluate', '--help');
    expect(out).toMatch(/^ {4}nesterov {8}whether .* \[default: false\]$/m);
    expect(out).toMatch(/^ {4}weightDecay {5}decay .*\n {20}\[default: 0\.004\]$/m);
  });

  it.each([
    ['inspect', 'no\u001b[2Jwhere'],
    ['export', '--from', 'x\u009b2J\r', '--to', 'y'],
    ['collect', '--store', 'x', '--task', 'mnist/\u001b]0;title\u0007'],
    ['train', 'x', '--out', 'y', '--\u001b[31mred'],
    ['\u001b[2J'],
  ])('shows the control characters of %j', async (...words) => {
    const { out, err } = await run(...words);
    expect(out).toBe('');
    expect(err).toMatch(/^wnn: .*\\x(1b|9b)/);
    expect(err.replaceAll('\n', '')).not.toMatch(/\p{Cc}/u);
  });

  it('is a program', () => {
    const { status, stdout, stderr } = spawnSync(process.execPath, [MAIN, 'inspect', 'nowhere'], { encoding: 'utf8' });
    expect(status).toBe(1);
    expect(stdout).toBe('');
    expect(stderr).toMatch(/^wnn: nothing there: nowhere; .+\n$/);
    const { stdout: version } = spawnSync(process.execPath, [MAIN, 'queue', '--version'], { encoding: 'utf8' });
    expect(version).toMatch(/^\d+\.\d+\.\d+\n$/);
  });
});
