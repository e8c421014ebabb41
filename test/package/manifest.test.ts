// What package.json says of the package, held against what the package holds.

import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, it } from 'vitest';
import { LICENSES_FILE, listLicenses } from '../../scripts/licenses.js';
import { ROOT } from './packed.js';

const manifest = JSON.parse(readFileSync(join(ROOT, 'package.json'), 'utf8')) as {
  exports: Record<string, unknown>;
  typesVersions: { '*': Record<string, string[]> };
  sideEffects: string[];
  scripts: Record<string, string>;
};

/** The files of the package. */
const files = (
  JSON.parse(
    execFileSync('npm', ['pack', '--dry-run', '--ignore-scripts', '--json'], {
      cwd: ROOT,
      encoding: 'utf8',
      stdio: 'pipe',
    }),
  ) as { files: { path: string }[] }[]
)[0].files.map(({ path }) => path);

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

it('runs nothing when it is installed, and has no files but those that users need', () => {
  expect(Object.keys(manifest.scripts).filter((name) => /^(pre|post)?(un)?install$/.test(name))).toEqual([]);
  const needed = [
    /^(package\.json|README\.md|CHANGELOG\.md|LICENSE)$/,
    /^dist\/.*\.(js|d\.ts)$/,
    /^assets\/(python|report|text)\//,
    /^weights\/(zoo\/.*|README\.md|(plan(-\w+)?|search)\.yaml)$/,
    /^docs\/(\w+\.md|watch\.svg)$/,
  ];
  expect(files.filter((path) => !needed.some((pattern) => pattern.test(path)))).toEqual([]);
});

it('has docs that link and name only what it holds, or what they link to the repository', () => {
  const problems = files
    .filter((path) => path.endsWith('.md') && !path.startsWith('assets/'))
    .flatMap((path) => {
      const text = readFileSync(join(ROOT, path), 'utf8').replace(/<!--.*?-->/gs, '');
      const links = [...text.matchAll(/\]\((?!https?:)([^)#]+)/g)].map(([, link]) =>
        normalize(join(dirname(path), link)),
      );
      // extending.md is about the repository, and says so.
      const named =
        path === 'docs/extending.md'
          ? []
          : [...text.matchAll(/(?<!\[)`((?:src|test|scripts|bench|examples)\/[^`]*)`/g)];
      return [...links.filter((link) => !files.includes(link)), ...named.map(([, name]) => name)].map(
        (what) => `${path}: ${what}`,
      );
    });
  expect(problems).toEqual([]);
});

it('has dependencies under the licenses that docs/licenses.md lists', () => {
  const listed = listLicenses(join(ROOT, 'package-lock.json'));
  expect(readFileSync(LICENSES_FILE, 'utf8')).toBe(listed);
  expect(listed).not.toMatch(/^## .*(GPL|not stated)/m);
});
