// What package.json says of the package, held against what the package holds.

import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, it } from 'vitest';
import { ROOT } from './packed.js';

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
