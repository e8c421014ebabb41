import { readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { expect, it } from 'vitest';

/** All source files that a module loads when it runs, itself included, and the packages that they name. */
function followImports(entry: string): { files: Set<string>; packages: Set<string> } {
  const files = new Set<string>();
  const packages = new Set<string>();
  const visit = (file: string) => {
    if (files.has(file)) return;
    files.add(file);
    const statements = readFileSync(file, 'utf8').matchAll(
      /^(?:import|export)\s(?!type\b)[^;]*?from '([^']+)'|^import '([^']+)'|\bimport\('([^']+)'\)/gm,
    );
    for (const [, named, bare, dynamic] of statements) {
      const target = named ?? bare ?? dynamic;
      if (target.startsWith('.')) visit(join(dirname(file), target.replace(/\.js$/, '.ts')));
      else packages.add(target);
    }
  };
  visit(entry);
  return { files, packages };
}

it('needs nothing but tfjs and the platform of a browser', () => {
  const { files, packages } = followImports('src/callback/browser.ts');
  expect([...packages].sort()).toEqual(['@tensorflow/tfjs-core', '@tensorflow/tfjs-layers']);
  expect(files.size).toBeGreaterThan(10);
  for (const file of files) expect(readFileSync(file, 'utf8'), file).not.toMatch(/\b(Buffer|process)\b\s*[.(]/);
});
