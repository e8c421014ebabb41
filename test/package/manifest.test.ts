// What package.json says of the package, held against what the package holds.

import { execFileSync } from 'node:child_process';
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { hasRegistry, install, pack, ROOT } from './packed.js';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
  typesVersions: { '*': Record<string, string[]> };
  sideEffects: string[];
};

/** All paths that a part of `exports` names. */
const pathsOf = (entry: unknown): string[] =>
  typeof entry === 'string' ? [entry] : Object.values(entry as object).flatMap(pathsOf);

it('names files that are built', () => {
  const named = [...pathsOf(manifest.exports), ...Object.values(manifest.typesVersions['*']).flat()];
  expect(named.filter((path) => !existsSync(join(ROOT, path)))).toEqual([]);
});

it('lists every module that does something when it is loaded', () => {
  const listed = manifest.sideEffects.map(
    (pattern) =>
      new RegExp(
        `^${pattern.replace(/\*\*\/|[*.]/g, (part) => ({ '**/': '(?:.+/)?', '*': '[^/]*' })[part] ?? '\\.')}$`,
      ),
  );
  const modules = readdirSync(join(ROOT, 'dist'), { recursive: true, encoding: 'utf8' })
    .filter((path) => path.endsWith('.js'))
    .map((path) => `dist/${path.replaceAll('\\', '/')}`);
  // A statement at the left margin that calls, awaits or assigns.
  const acting = modules.filter((path) =>
    /^(?:await |for \(|if \(|new |[\w.]+\(|[\w.]+ = )/m.test(
      readFileSync(join(ROOT, path), 'utf8')
        .replace(/`(?:[^`\\]|\\.)*`/g, '')
        .replace(/^\/\*[\s\S]*?\*\//gm, ''),
    ),
  );
  expect(acting.length).toBeGreaterThan(5);
  expect(acting.filter((path) => !listed.some((pattern) => pattern.test(`./${path}`)))).toEqual([]);
});

describe.skipIf(!hasRegistry())('its types (skipped where npm has no registry)', () => {
  let dir: string;

  beforeAll(() => {
    dir = mkdtempSync(join(tmpdir(), 'wnn-types-'));
    writeFileSync(join(dir, 'package.json'), '{ "name": "project", "private": true, "type": "module" }');
    install(dir, [pack(dir), 'typescript@5.9.3', '@types/node@20.19.43']);
    const specifiers = Object.keys(manifest.exports).filter((name) => name !== './package.json');
    const imports = specifiers.map((name, i) => `import * as m${i} from 'weight-nowcaster${name.slice(1)}';`);
    writeFileSync(
      join(dir, 'use.ts'),
      `${imports.join('\n')}
      import { WeightForecasting, type WeightForecastingOptions } from 'weight-nowcaster';
      import { WeightForecasting as Same } from 'weight-nowcaster/callback';
      const options: WeightForecastingOptions = { period: 5 };
      export const callback: Promise<Same> = WeightForecasting.load(undefined, options);
      // @ts-expect-error: there are types, and they refuse this.
      WeightForecasting.load(undefined, { period: 'five' });
      export const modules = [${imports.map((_, i) => `m${i}`).join()}];`,
    );
  }, 600_000);
  afterAll(() => rmSync(dir, { recursive: true, force: true }));

  it.each([
    ['node10', 'esnext'],
    ['node16', 'node16'],
    ['bundler', 'esnext'],
  ])(
    'are found with moduleResolution %s',
    (resolution, module) => {
      const condition = resolution === 'bundler' ? ['--customConditions', 'node'] : [];
      const args = ['tsc', '--noEmit', '--strict', '--skipLibCheck', '--target', 'es2022', '--module', module];
      const run = () =>
        execFileSync('npx', [...args, '--moduleResolution', resolution, ...condition, 'use.ts'], {
          cwd: dir,
          encoding: 'utf8',
          stdio: 'pipe',
        });
      expect(run()).toBe('');
    },
    120_000,
  );
});
