import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, utimesSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { isAlive, SELF } from '../../src/files/owner.js';
import { clearLeftovers, newAttempt, parseTemporaryName, temporaryName } from '../../src/files/temporary.js';

let root: string;
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'wnn-temporary-'));
});
afterEach(() => rmSync(root, { recursive: true, force: true }));

/** An attempt of a process that has ended. */
function deadAttempt(): string {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  return newAttempt().replace(`-${process.pid.toString(36)}-`, `-${pid.toString(36)}-`);
}

test('a process is alive from its start to its end, and not by its number alone', () => {
  const { pid } = spawnSync(process.execPath, ['-e', '']);
  expect(isAlive(SELF)).toBe(true);
  expect(isAlive({ ...SELF, pid })).toBe(false);
  expect(isAlive({ ...SELF, start: SELF.start + 1 })).toBe(false);
  expect(isAlive({ ...SELF, boot: '123456' })).toBe(false);
  expect(isAlive({ ...SELF, machine: '123456' })).toBe(null);
});

test('names are taken apart, and only those that were made here', () => {
  const name = basename(temporaryName('/a/report.html'));
  expect(parseTemporaryName(name)).toMatchObject({ name, stem: 'report.html', role: 'tmp', owner: SELF });
  expect(parseTemporaryName(name.replace('report', 'export'))).toBeNull();
  expect(parseTemporaryName('report.html.123.tmp')).toBeNull();
  expect(temporaryName('/a/b')).not.toBe(temporaryName('/a/b'));
});

test('a name of 250 bytes has temporary names that a file system takes', () => {
  const path = join(root, 'x'.repeat(250));
  const temporary = temporaryName(path, 'tmp', deadAttempt());
  writeFileSync(temporary, '');
  clearLeftovers(root, join(root, `${'x'.repeat(249)}y`));
  expect(existsSync(temporary)).toBe(true);
  clearLeftovers(root, path);
  expect(existsSync(temporary)).toBe(false);
});

test('leftovers of the dead are cleared, files of the living and of others are not', () => {
  const dead = temporaryName(join(root, 'a'), 'tmp', deadAttempt());
  const living = temporaryName(join(root, 'a'));
  const theirs = join(root, 'a.12.tmp');
  mkdirSync(dead);
  for (const path of [join(dead, 'inside'), living, theirs]) writeFileSync(path, '');
  clearLeftovers(root);
  expect([dead, living, theirs].map((path) => existsSync(path))).toEqual([false, true, true]);
});

test('what another machine left is cleared when nothing has changed in it for a week', () => {
  const other = temporaryName(join(root, 'a'), 'tmp', newAttempt().replace(SELF.machine, '012345'));
  mkdirSync(other);
  writeFileSync(join(other, 'inside'), '');
  const old = Date.now() / 1000 - 8 * 24 * 3600;
  utimesSync(other, old, old);
  clearLeftovers(root);
  expect(existsSync(other)).toBe(true);
  utimesSync(join(other, 'inside'), old, old);
  clearLeftovers(root);
  expect(existsSync(other)).toBe(false);
});

test('a former that was moved aside is put back when there is no new one', () => {
  const former = temporaryName(join(root, 'a'), 'former', deadAttempt());
  mkdirSync(former);
  clearLeftovers(root, join(root, 'a'));
  expect([existsSync(former), existsSync(join(root, 'a'))]).toEqual([false, true]);
});
