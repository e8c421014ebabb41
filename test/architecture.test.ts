// What may import what in src/: no cycles between files, types and worker entries included, and stages that know neither
// each other nor what knows them.

import { readdirSync, readFileSync } from 'node:fs';
import { posix } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, test } from 'vitest';

const STAGES = ['collect', 'dataset', 'train', 'export', 'evaluate', 'report'];
/** What knows stages; no stage may know these. */
const USERS = ['fleet', 'pipeline', 'cli'];

/** Sources by their path below src/, with `/`. */
type Tree = Record<string, string>;

/** `import`, `import type`, `export from`, `import()` of values and types, and `new URL` of the entries of workers. */
const IMPORTS = [
  /\b(?:import|export)\b[^'"`;()]*?\bfrom\s*['"](\.[^'"]+)['"]/g,
  /\bimport\s*['"](\.[^'"]+)['"]/g,
  /\bimport\s*\(\s*['"](\.[^'"]+)['"]/g,
  /\bnew\s+URL\s*\(\s*['"](\.[^'"]+\.[jt]s)['"]\s*,\s*import\.meta\.url\s*\)/g,
];

/** The files of a tree that a file of it imports. */
function importsOf(path: string, tree: Tree): string[] {
  const named = IMPORTS.flatMap((pattern) => [...tree[path].matchAll(pattern)].map(([, name]) => name));
  const paths = named.map((name) => posix.join(posix.dirname(path), name).replace(/\.js$/, '.ts'));
  return [...new Set(paths)].filter((imported) => imported in tree);
}

/** A cycle, `a.ts > b.ts > a.ts`, for each import that closes one on a walk through all files. */
function findCycles(tree: Tree): string[] {
  const cycles: string[] = [];
  const done = new Set<string>();
  const walk = (path: string, way: string[]) => {
    const at = way.indexOf(path);
    if (at >= 0) cycles.push([...way.slice(at), path].join(' > '));
    if (at >= 0 || done.has(path)) return;
    for (const imported of importsOf(path, tree)) walk(imported, [...way, path]);
    done.add(path);
  };
  for (const path of Object.keys(tree)) walk(path, []);
  return cycles;
}

/** Imports of stages by those that must not know them, and of the stages' users by stages. */
function findForbidden(tree: Tree): string[] {
  return Object.keys(tree).flatMap((path) => {
    const folder = path.split('/')[0];
    if (USERS.includes(folder) || path === 'index.ts' || path === 'extend.ts') return [];
    const forbidden = [...STAGES, ...USERS].filter((name) => name !== folder);
    return importsOf(path, tree)
      .filter((imported) => forbidden.includes(imported.split('/')[0]))
      .map((imported) => `${path} > ${imported}`);
  });
}

function readTree(root: string): Tree {
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' }).map((path) => path.replaceAll('\\', '/'));
  const sources = paths.filter((path) => path.endsWith('.ts') && !path.includes('/assembly/'));
  return Object.fromEntries(sources.map((path) => [path, readFileSync(`${root}/${path}`, 'utf8')]));
}

describe('src', () => {
  const tree = readTree(fileURLToPath(new URL('../src', import.meta.url)));

  test('is read as a whole', () => {
    expect(Object.keys(tree)).toEqual(expect.arrayContaining(STAGES.map((stage) => `${stage}/index.ts`)));
    expect(importsOf('fleet/kinds.ts', tree)).toContain('collect/jobKind.ts');
    expect(importsOf('dataset/extractRuns.ts', tree)).toContain('dataset/thread.ts');
    expect(importsOf('collect/jobKind.ts', tree)).toContain('collect/worker.ts');
  });

  test('has no import cycle', () => {
    expect(findCycles(tree)).toEqual([]);
  });

  test('has stages that only the fleet, the pipeline and the command line know, and that know none of these', () => {
    expect(findForbidden(tree)).toEqual([]);
  });
});

describe('the check', () => {
  test.each([
    ['import', "import { b } from './b.js';"],
    ['import of several lines', "import {\n  a,\n  b,\n} from './b.js';"],
    ['import of a type', "import type { B } from './b.js';"],
    ['import for its effect', "import './b.js';"],
    ['export', "export { b } from './b.js';"],
    ['export of everything', "export * from './b.js';"],
    ['dynamic import', "const b = await import('./b.js');"],
    ['type of a module', "type B = typeof import('./b.js');"],
    ['entry of a worker', "const entry = new URL('./b.js', import.meta.url);"],
  ])('finds a cycle that an %s closes', (_, closing) => {
    const tree = {
      'a.ts': closing,
      'b.ts': "import { c } from './deep/c.js';",
      'deep/c.ts': "export * from '../a.js';",
    };
    expect(findCycles(tree)).toEqual(['a.ts > b.ts > deep/c.ts > a.ts']);
    expect(findCycles({ ...tree, 'a.ts': "import { x } from 'b.js';" })).toEqual([]);
  });

  test('finds a file that imports itself, and takes two ways to one file for no cycle', () => {
    expect(findCycles({ 'a.ts': "import './a.js';" })).toEqual(['a.ts > a.ts']);
    const diamond = { 'a.ts': "import './b.js';\nimport './c.js';", 'b.ts': "import './c.js';", 'c.ts': '' };
    expect(findCycles(diamond)).toEqual([]);
  });

  test.each([...STAGES.filter((stage) => stage !== 'collect'), ...USERS])('refuses collect to import %s', (folder) => {
    const tree = { 'collect/index.ts': `await import('../${folder}/x.js');`, [`${folder}/x.ts`]: '' };
    expect(findForbidden(tree)).toEqual([`collect/index.ts > ${folder}/x.ts`]);
  });

  test('refuses a shared module that imports a stage; stages may import shared modules, and their users stages', () => {
    const tree = {
      'tasks/x.ts': "import type { T } from '../train/x.js';",
      'train/x.ts': "import '../samples/x.js';",
      'samples/x.ts': '',
      'fleet/x.ts': "import '../train/x.js';",
      'index.ts': "export * from './train/x.js';",
    };
    expect(findForbidden(tree)).toEqual(['tasks/x.ts > train/x.ts']);
  });
});
