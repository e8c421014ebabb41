import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import {
  checkReplaceable,
  discardStaging,
  holdsSame,
  openStaging,
  publishDirectory,
  replaceDirectory,
  settleDirectory,
} from '../../src/files/directory.js';
import { hashTree, leftovers, runProgram } from '../faults/faults.js';

const CHILD = fileURLToPath(new URL('./replaceChild.mjs', import.meta.url));
const bytes = (text: string) => new TextEncoder().encode(text);
const any = () => {};
let root: string;
let path: string;

beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wnn-files-'));
  path = join(root, 'out');
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

const content = () => readFileSync(join(path, 'one.txt'), 'utf8');

describe('a replacement', () => {
  test('killed before any of its renames or removals leaves the former or the new one, whole, and nothing else', async () => {
    const calls = ['renameSync', 'rmSync', 'mkdirSync', 'openSync'];
    const undisturbed = join(root, 'undisturbed');
    mkdirSync(undisturbed);
    const { count } = await runProgram([CHILD, join(undisturbed, 'out'), 'new'], { at: 0, calls });
    expect(count).toBeGreaterThan(8);
    const whole = hashTree(join(undisturbed, 'out'));
    rmSync(undisturbed, { recursive: true });
    replaceDirectory(path, { 'one.txt': bytes('old one'), 'in/two.txt': bytes('old two') }, any);
    const former = hashTree(path);
    const seen = new Set<string>();
    // One more call than an undisturbed run of a new directory has: moving the former aside, removing it.
    for (let at = 1; at <= (count ?? 0) + 2; at++) {
      rmSync(path, { recursive: true });
      replaceDirectory(path, { 'one.txt': bytes('old one'), 'in/two.txt': bytes('old two') }, any);
      const { signal, code } = await runProgram([CHILD, path, 'new'], { at, calls });
      if (code === 0) break;
      expect(signal).toBe('SIGKILL');
      settleDirectory(path);
      expect([former, whole]).toContainEqual(hashTree(path));
      seen.add(content());
      expect(leftovers(root)).toEqual([]);
    }
    expect([...seen].sort()).toEqual(['new one', 'old one']);
  }, 180_000);

  test('of two processes at once leaves one of theirs', async () => {
    const ended = await Promise.all(['a', 'b'].map((text) => runProgram([CHILD, path, text, '40'])));
    expect(ended.map(({ code, stderr }) => [code, stderr])).toEqual([
      [0, ''],
      [0, ''],
    ]);
    const first = content().slice(0, 1);
    expect(readFileSync(join(path, 'in', 'two.txt'), 'utf8')).toBe(`${first} two`);
    expect(leftovers(root)).toEqual([]);
  }, 60_000);

  test('that is refused leaves what was there', () => {
    mkdirSync(path);
    writeFileSync(join(path, 'mine'), 'mine');
    const staging = openStaging(path);
    writeFileSync(join(staging.directory, 'theirs'), '');
    const check = () =>
      checkReplaceable(path, { isOwn: (name) => name === 'theirs', content: 'tests', option: '--to' });
    expect(() => publishDirectory(staging, check)).toThrow(/other files than tests: .*mine; choose another place/);
    expect(hashTree(path)).toHaveProperty('mine');
    expect(leftovers(root)).toEqual([]);
  });

  test('leaves alone what looks like its temporary directories', () => {
    for (const name of ['out.old', 'out.partial', 'out.1.tmp', 'out.1.tmp.former']) {
      mkdirSync(join(root, name));
      writeFileSync(join(root, name, 'mine'), name);
    }
    const before = hashTree(root);
    replaceDirectory(path, { 'one.txt': bytes('one') }, any);
    replaceDirectory(path, { 'one.txt': bytes('two') }, any);
    expect(hashTree(root)).toMatchObject(before);
  });

  test('in the making in a living process is left alone by another', async () => {
    const staging = openStaging(path);
    expect((await runProgram([CHILD, path, 'new'])).code).toBe(0);
    expect(existsSync(staging.directory)).toBe(true);
    discardStaging(staging);
  });
});

test('a directory holds the same only with the same names and contents', () => {
  replaceDirectory(path, { a: bytes('1'), 'b/c': bytes('2') }, any);
  expect(holdsSame(path, { a: bytes('1'), 'b/c': bytes('2') })).toBe(true);
  expect(holdsSame(path, { a: bytes('1'), 'b/c': bytes('3') })).toBe(false);
  expect(holdsSame(path, { a: bytes('1') })).toBe(false);
  expect(holdsSame(path, { a: bytes('1'), 'b/c': bytes('2'), d: bytes('') })).toBe(false);
  expect(holdsSame(join(root, 'none'), {})).toBe(false);
});
