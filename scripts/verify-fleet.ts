// The long check of queues: 3 workers, 12 real runs, workers killed 10 times and Redis twice, all with -9 at random
// moments. The plan must complete, and the store equal that of a single process, file for file. Needs the build and
// Debian's redis-server: npm run verify:fleet [-- SEED]

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { filesOf, runKilledFleet, startWnn } from '../test/fleet/killing.js';
import { NO_REDIS } from '../test/fleet/redis.js';

const PLAN = `
tasks: [mnist/mlp, mnist/lenet]
runs: 12
epochs: 14
seed: 21
batchSizes: [16, 32]
trainExamples: 320
validationExamples: 64
width: 0.25
`;

function fail(why: string): never {
  process.stderr.write(`verify-fleet: ${why}\n`);
  process.exit(1);
}

if (NO_REDIS) fail(NO_REDIS);
const seed = Number(process.argv[2] ?? 1);
const directory = mkdtempSync(join(tmpdir(), 'wnn-verify-fleet-'));
writeFileSync(join(directory, 'plan.yaml'), PLAN);
const command = ['collect', '--plan', 'plan.yaml', '--engine', 'wasm', '--json', '--store'];
const begin = performance.now();
const say = (text: string) =>
  process.stdout.write(`${((performance.now() - begin) / 1000).toFixed(1).padStart(6)} s  ${text}\n`);

say('a single process');
const single = startWnn(directory, [...command, 'single', '--workers', '1']);
if ((await single.ended) !== 0) fail(single.err);
say('three workers');
const fleet = await runKilledFleet({
  directory,
  command: [...command, 'fleet'],
  workers: 3,
  workerKills: 10,
  redisKills: 2,
  pause: [0.5, 3],
  seed,
  onEvent: say,
});
if (fleet.code !== 0) fail(`the plan did not complete (status ${fleet.code}): ${fleet.err}`);
const expected = filesOf(join(directory, 'single'));
const files = filesOf(join(directory, 'fleet'));
const names = [...new Set([...expected.keys(), ...files.keys()])];
const different = names.filter((name) => expected.get(name) !== files.get(name));
say(`killed: workers ${fleet.workerKills} times, Redis ${fleet.redisKills} times`);
const attempts = fleet.workerOutputs.join('').match(/: started$/gm)?.length ?? 0;
say(
  `${files.size} files of 12 runs, made in ${attempts} attempts; ${different.length} differ from the single process's`,
);
if (different.length > 0) fail(`different, missing or doubled:\n${different.join('\n')}\nin ${directory}`);
if (fleet.workerKills < 10 || fleet.redisKills < 2) fail('the plan was done before all kills; give more work');
rmSync(directory, { recursive: true, force: true });
