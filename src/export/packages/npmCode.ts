// The callback's own built modules, collected for a package of their own: the entry, and what it imports from this
// toolkit, as they were compiled. Nothing of Node and nothing but tfjs is among what they import from elsewhere.

import { readFileSync } from 'node:fs';
import { InsufficientDataError } from '../../errors.js';

/** Where the compiled code lies; under vitest this module is TypeScript and runs from `src`. */
const BUILT = new URL(import.meta.url.endsWith('.ts') ? '../../../dist/' : '../../', import.meta.url);

/** Module names in import and export statements, dynamic imports and types. */
const IMPORTS = /(?:\bfrom\s*|\bimport\s*\(?\s*)(['"])([^'"\n]+)\1/g;

/** Cuts out comments that stand on lines of their own: the types keep theirs, and a package should be small. */
function withoutComments(code: string): string {
  return code.replace(/^[ \t]*\/\*\*?[\s\S]*?\*\/[ \t]*\n/gm, '').replace(/^[ \t]*\/\/.*\n/gm, '');
}

/** Paths of the modules that a source names, relative ones only, resolved against its own path. */
function importsOf(path: string, source: string): string[] {
  return [...withoutComments(source).matchAll(IMPORTS)]
    .map(([, , name]) => name)
    .filter((name) => name.startsWith('.'))
    .map((name) => new URL(name, `file:///${path}`).pathname.slice(1));
}

/**
 * Collects compiled modules with their type declarations.
 *
 * @param entries paths of the first modules under the compiled code, e.g. `callback/index.js`.
 * @returns contents by path under the compiled code.
 */
export function collectCode(entries: readonly string[]): Record<string, string> {
  const files: Record<string, string> = {};
  const typesOf = (path: string) => path.replace(/\.js$/, '.d.ts');
  const waiting = entries.flatMap((entry) => [entry, typesOf(entry)]);
  for (let path = waiting.pop(); path !== undefined; path = waiting.pop()) {
    if (path in files) continue;
    let source: string;
    try {
      source = readFileSync(new URL(path, BUILT), 'utf8');
    } catch (cause) {
      throw new InsufficientDataError({
        what: 'the compiled callback is not there',
        where: new URL(path, BUILT).pathname,
        remedy: 'build the toolkit (npm run build)',
        cause,
      });
    }
    const isTypes = path.endsWith('.d.ts');
    files[path] = isTypes
      ? source.replace(/^\/\/# sourceMappingURL=.*\n?/m, '')
      : withoutComments(`${source}\n`).trimEnd();
    for (const imported of importsOf(path, source)) {
      // Types may come from modules whose code is not needed; code always has types.
      waiting.push(typesOf(imported));
      if (!isTypes) waiting.push(imported);
    }
  }
  return Object.fromEntries(Object.entries(files).sort(([a], [b]) => (a < b ? -1 : 1)));
}
