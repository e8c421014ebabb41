// Downloads the sources of tfjs-node through npm, without its install script and its dependencies.

import { execFile } from 'node:child_process';
import { mkdirSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { EngineUnavailableError } from '../../errors.js';

const run = promisify(execFile);

/**
 * Downloads npm packages and unpacks them under `<directory>/node_modules`. npm checks their integrity.
 *
 * @param packages name to exact version.
 * @throws EngineUnavailableError if npm cannot fetch them.
 */
export async function fetchPackages(directory: string, packages: Record<string, string>): Promise<void> {
  for (const [name, version] of Object.entries(packages)) {
    const spec = `${name}@${version}`;
    const target = join(directory, 'node_modules', ...name.split('/'));
    const archives = join(directory, 'archives');
    mkdirSync(target, { recursive: true });
    mkdirSync(archives, { recursive: true });
    try {
      const shell = process.platform === 'win32';
      await run('npm', ['pack', spec, '--pack-destination', archives, '--silent'], { cwd: directory, shell });
      const archive = readdirSync(archives)[0]!;
      await run('tar', ['-xzf', join(archives, archive), '-C', target, '--strip-components=1']);
    } catch (cause) {
      const { stderr = '', message } = cause as { stderr?: string; message: string };
      const reason = stderr.split('\n').find((line) => line.includes('error')) ?? message.split('\n')[0];
      throw new EngineUnavailableError({
        what: `npm cannot fetch ${spec} (${reason})`,
        where: directory,
        remedy: 'check the network and `npm config get registry`',
        cause,
      });
    }
    rmSync(archives, { recursive: true });
  }
}
