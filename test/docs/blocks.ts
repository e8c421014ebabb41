// The code blocks of README.md and docs/*.md: where they are, what they hold, and the HTML comment before each that says what
// runs it or why nothing does.

import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ROOT } from '../package/packed.js';

/** A code block, fenced or indented. */
export interface Block {
  /** File and line. */
  where: string;
  code: string;
  /** `<!-- run: RECIPE -->`: the recipe (recipes.ts) that runs it. */
  recipe?: string;
  /** `<!-- excerpt: FILE -->`: a file of the repository that has all its lines, and that a test runs. */
  excerpt?: string;
  /** `<!-- not run: REASON -->`. */
  reason?: string;
}

const MARK = /^<!-- (run|excerpt|not run): (.+) -->$/;

/** All blocks, in the order of the text. */
export function codeBlocks(): Block[] {
  const docs = readdirSync(join(ROOT, 'docs')).filter((name) => name.endsWith('.md'));
  return ['README.md', ...docs.map((name) => `docs/${name}`)].flatMap((file) =>
    blocksOf(file, readFileSync(join(ROOT, file), 'utf8').split('\n')),
  );
}

function blocksOf(file: string, lines: string[]): Block[] {
  const blocks: Block[] = [];
  for (let i = 0; i < lines.length; i++) {
    const fenced = lines[i].startsWith('```');
    // An indented line after a paragraph or a list item continues it.
    if (!fenced && !(lines[i].startsWith('    ') && lines[i - 1].trim() === '')) continue;
    const begin = i;
    if (fenced) for (i++; !lines[i].startsWith('```'); ) i++;
    else while (/^ {4}|^\s*$/.test(lines[i + 1] ?? 'end')) i++;
    const own = fenced ? lines.slice(begin + 1, i) : lines.slice(begin, i + 1).map((line) => line.slice(4));
    const before = lines.slice(0, begin).findLast((line) => line.trim() !== '') ?? '';
    const [, kind, value] = MARK.exec(before) ?? [];
    blocks.push({
      where: `${file}:${begin + 1}`,
      code: own.join('\n').trimEnd(),
      ...(kind === 'run' && { recipe: value }),
      ...(kind === 'excerpt' && { excerpt: value }),
      ...(kind === 'not run' && { reason: value }),
    });
  }
  return blocks;
}
