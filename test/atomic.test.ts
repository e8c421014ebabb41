import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { writeFileAtomic } from '../src/atomic.js';
import { WriteError } from '../src/errors.js';

const root = mkdtempSync(join(tmpdir(), 'wnn-atomic-'));
afterAll(() => rmSync(root, { recursive: true }));

test('what hinders a write is told, and not what hinders its cleaning up', () => {
  writeFileSync(join(root, 'file'), 'kept');
  mkdirSync(join(root, 'directory/inside'), { recursive: true });
  for (const path of ['file/a', 'file/a/b', 'directory']) {
    const write = () => writeFileAtomic(join(root, path), 'x');
    expect(write, path).toThrow(WriteError);
    expect(write, path).toThrow(join(root, path));
  }
  expect(readFileSync(join(root, 'file'), 'utf8')).toBe('kept');
  expect(readdirSync(root).sort()).toEqual(['directory', 'file']);
  expect(existsSync(join(root, 'directory/inside'))).toBe(true);
});
