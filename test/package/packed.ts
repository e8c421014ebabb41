// The package as npm packs it, unpacked into a project of its own: what users have, unlike the sources beside the tests.

import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
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

const { dependencies } = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  dependencies: Record<string, string>;
};
/** Peers that users install, of which npm installs the first two by itself. */
const PEERS = ['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers'];

/**
 * Makes a project that has the packed toolkit with what npm installs beside it, linked from the repository. Needs no network.
 *
 * @param extra other packages of the repository that the project has.
 */
export async function makeProject(
  extra: readonly string[] = [],
): Promise<{ directory: string; installed: string; remove(): void }> {
  const directory = mkdtempSync(join(tmpdir(), 'wnn-packed-'));
  const modules = join(directory, 'node_modules');
  await extract({ file: pack(directory), cwd: directory });
  mkdirSync(join(modules, '@tensorflow'), { recursive: true });
  mkdirSync(join(modules, '@observablehq'));
  const installed = join(modules, 'weight-nowcaster');
  renameSync(join(directory, 'package'), installed);
  for (const name of [...Object.keys(dependencies), ...PEERS, ...extra])
    symlinkSync(join(ROOT, 'node_modules', name), join(modules, name));
  mkdirSync(join(modules, '.bin'));
  symlinkSync('../weight-nowcaster/dist/cli/main.js', join(modules, '.bin', 'wnn'));
  chmodSync(join(installed, 'dist/cli/main.js'), 0o755);
  writeFileSync(join(directory, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
  return { directory, installed, remove: () => rmSync(directory, { recursive: true, force: true }) };
}

/** Installs packages into a project by npm, from its registry unless they are files. */
export function install(directory: string, packages: readonly string[]): void {
  const args = ['install', '--no-audit', '--no-fund', '--ignore-scripts', ...packages];
  execFileSync('npm', args, { cwd: directory, stdio: 'pipe' });
}
