// The code blocks of README.md and docs/*.md do what the text says, with the package as npm packs it; the long ones are run by
// blocks.verify.ts. A block that nothing runs says why, and is among the skipped tests.

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { makeProject, ROOT } from '../package/packed.js';
import { codeBlocks } from './blocks.js';
import { RECIPES } from './recipes.js';

const blocks = codeBlocks();

let project: Awaited<ReturnType<typeof makeProject>>;
beforeAll(async () => {
  project = await makeProject();
}, 60_000);
afterAll(() => project?.remove());

it('each block says what runs it, or why nothing does', () => {
  const silent = blocks.filter(({ recipe, excerpt, reason }) => (recipe ?? excerpt ?? reason) === undefined);
  expect(silent.map(({ where }) => where)).toEqual([]);
  const named = blocks.flatMap(({ recipe }) => recipe ?? []);
  expect([...new Set(named)].sort()).toEqual(Object.keys(RECIPES).sort());
});

describe('a block', () => {
  for (const { where, code, recipe, excerpt, reason } of blocks) {
    if (recipe !== undefined)
      it.skipIf(RECIPES[recipe]?.long)(
        `${where} (${recipe}${RECIPES[recipe]?.long ? ', by npm run verify:docs' : ''})`,
        () => RECIPES[recipe].run(code, project.directory),
        120_000,
      );
    else if (excerpt !== undefined)
      it(`${where} (an excerpt of ${excerpt})`, () => {
        const text = readFileSync(join(ROOT, excerpt), 'utf8').split('\n');
        const known = new Set(text.map((line) => line.trim()));
        expect(code.split('\n').filter((line) => line.trim() !== '' && !known.has(line.trim()))).toEqual([]);
      });
    else it.skip(`${where} (${reason})`, () => {});
  }
});
