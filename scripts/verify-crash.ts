// The long check of crashes: each of the six commands (and the export of an npm package) is killed with -9 before a change
// of the file system chosen at random, in its own process or a worker's, over an empty place or an earlier result, and run
// again. What is there then must equal the result of an undisturbed run, byte for byte but for wall-clock times.
// Goes on where an earlier call stopped: npm run verify:crash [-- KILLS [SECONDS [DIRECTORY]]]

import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeJsonAtomic } from '../src/atomic.js';
import { Random } from '../src/random.js';
import { Crashes, SCENARIO_NAMES, type ScenarioName } from '../test/faults/crashes.js';

/** Changes of the file system that each command makes in its own process and in a worker, about. */
const CHANGES: Record<ScenarioName, [own: number, worker: number]> = {
  collect: [4, 60],
  dataset: [60, 0],
  train: [70, 0],
  export: [60, 0],
  npm: [120, 0],
  evaluate: [8, 40],
  report: [4, 0],
};

interface Done {
  kills: number;
  reached: number;
  problems: string[];
}

const [kills = 100, seconds = Number.POSITIVE_INFINITY] = process.argv.slice(2, 4).map(Number);
const crashes = new Crashes(process.argv[4] ?? join('data', 'verify-crash'));
const state = join(crashes.base, 'done.json');
const done: Done = existsSync(state) ? JSON.parse(readFileSync(state, 'utf8')) : { kills: 0, reached: 0, problems: [] };
const begin = performance.now();
await crashes.prepare();
while (done.kills < kills && (performance.now() - begin) / 1000 < seconds) {
  const random = new Random(1, 'kill', done.kills);
  const name = SCENARIO_NAMES[done.kills % SCENARIO_NAMES.length];
  const [own, inWorker] = CHANGES[name];
  const worker = inWorker > 0 && random.uniform() < 0.7;
  const at = 1 + Math.floor(random.uniform() * (worker ? inWorker : own));
  const replacing = random.uniform() < 0.5;
  const { killed, problem } = await crashes.kill(name, at, { worker, replacing });
  done.kills++;
  if (killed) done.reached++;
  const words = `${name}, ${worker ? 'worker, ' : ''}${replacing ? 'replacing, ' : ''}change ${at}`;
  if (problem !== null) done.problems.push(`${words}: ${problem}`);
  process.stdout.write(
    `${done.kills}/${kills} ${words}: ${killed ? 'killed' : 'not reached'}, ${problem ?? 'equal'}\n`,
  );
  writeJsonAtomic(state, done);
}
process.stdout.write(`${done.kills} kills, ${done.reached} of them before the end; ${done.problems.length} problems\n`);
for (const problem of done.problems) process.stdout.write(`${problem}\n`);
if (done.problems.length > 0) process.exitCode = 1;
