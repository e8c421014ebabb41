// The package as npm packs it, unpacked into a project of its own: what users have, unlike the sources beside the tests.

import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, renameSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { extract } from 'tar';

/** The repository. */
export const ROOT = fileURLToPath(new URL('../../', import.meta.url));

/** Packs the toolkit as it is built into a directory, and returns the path of the tarball. */
export function pack(directory: string): string {
  const args = ['pack', '--ignore-scripts', '--json', '--pack-destination', directory];
  const printed = execFileSync('npm', args, { cwd: ROOT, encoding: 'utf8', stdio: 'pipe' });
  return join(directory, (JSON.parse(printed) as { filename: string }[])[0]!.filename);
}

/** Makes a project that has the packed toolkit, and TensorFlow.js from the repository. Needs no network. */
export async function makeProject(): Promise<{ directory: string; installed: string; remove(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'wnn-packed-'));
  await extract({ file: pack(directory), cwd: directory });
  mkdirSync(join(directory, 'node_modules'));
  const installed = join(directory, 'node_modules', 'weight-nowcaster');
  renameSync(join(directory, 'package'), installed);
  symlinkSync(join(ROOT, 'node_modules', '@tensorflow'), join(directory, 'node_modules', '@tensorflow'));
  return { directory, installed, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Installs packages into a project by npm, from its registry unless they are files. */
export function install(directory: string, packages: readonly string[]): void {
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages];
  execFileSync('npm', args, { cwd: directory, stdio: 'pipe' });
}

/** Whether npm's registry answers. */
export function hasRegistry(): boolean {
  try {
    execFileSync('npm', ['view', '@tensorflow/tfjs@4.20.0', 'version'], { stdio: 'pipe', timeout: 15_000 });
    return true;
  } catch {
    return false;
  }
}
