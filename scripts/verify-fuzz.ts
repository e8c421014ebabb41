// The long check of damaged files: every format that the toolkit reads back is damaged at random and read; each time it must
// be read or refused with one line of ours within 5 s. Goes on where an earlier call stopped:
// npm run verify:fuzz [-- CASES_A_FORMAT [SECONDS [DIRECTORY]]]

import { existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonAtomic } from '../src/atomic.js';
import { Random } from '../src/random.js';
import { DamageReader, damageFile } from '../test/faults/damage.js';
import { makeOriginals } from '../test/faults/originals.js';

const [cases = 2000, seconds = Number.POSITIVE_INFINITY] = process.argv.slice(2, 4).map(Number);
const base = process.argv[4] ?? join('data', 'verify-fuzz');
const state = join(base, 'done.json');
type Done = Record<string, { cases: number; refused: number; problems: string[] }>;
mkdirSync(base, { recursive: true });
const done: Done = existsSync(state) ? JSON.parse(readFileSync(state, 'utf8')) : {};
const { files, evaluation } = await makeOriginals(join(base, 'originals'));
rmSync(join(base, 'originals'), { recursive: true });
const reader = new DamageReader(evaluation);
const begin = performance.now();
for (const [name, original] of Object.entries(files)) {
  done[name] ??= { cases: 0, refused: 0, problems: [] };
  const own = done[name];
  while (own.cases < cases && (performance.now() - begin) / 1000 < seconds) {
    const verdict = await reader.read(name, damageFile(name, original, new Random(1, name, own.cases)));
    if (verdict.outcome === 'refused') own.refused++;
    else if (verdict.outcome !== 'read') own.problems.push(`case ${own.cases}: ${verdict.outcome} ${verdict.message}`);
    if (++own.cases % 100 === 0) writeJsonAtomic(state, done);
  }
  const { problems } = own;
  process.stdout.write(`${name}: ${own.cases} damaged, ${own.refused} refused, ${problems.length} problems\n`);
  for (const problem of problems.slice(0, 5)) process.stdout.write(`  ${problem}\n`);
  if (problems.length > 0) process.exitCode = 1;
}
writeJsonAtomic(state, done);
await reader.end();
