// A plan done by a fleet whose workers and whose Redis are killed at random moments. For the test and for the longer check
// in scripts/verify-fleet.ts.

import { type ChildProcess, spawn } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { Random } from '../../src/random.js';
import { startRedis } from './redis.js';

/** The command line of the build. */
export const CLI = fileURLToPath(new URL('../../dist/cli/main.js', import.meta.url));

/** A command under way. */
export interface Command {
  child: ChildProcess;
  /** What it has written so far. */
  out: string;
  err: string;
  /** Its exit status; null when it was killed. */
  ended: Promise<number | null>;
}

/** Starts `wnn` in a directory. */
export function startWnn(directory: string, words: readonly string[], env: Record<string, string> = {}): Command {
  const child = spawn(process.execPath, [CLI, ...words], {
    cwd: directory,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, ...env },
  });
  const command: Command = {
    child,
    out: '',
    err: '',
    ended: new Promise((resolve) => child.on('close', resolve)),
  };
  child.stdout?.on('data', (chunk) => {
    command.out += chunk;
  });
  child.stderr?.on('data', (chunk) => {
    command.err += chunk;
  });
  return command;
}

/** All files of a store with their content, but for the token that fleets leave. */
export function filesOf(store: string): Map<string, string> {
  const entries = readdirSync(store, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile());
  const files = entries.map((entry): [string, string] => {
    const path = join(entry.parentPath, entry.name);
    return [path.slice(store.length), readFileSync(path).toString('base64')];
  });
  return new Map(files.filter(([name]) => name !== '/.wnn-token').sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Options of {@link runKilledFleet}. */
export interface KilledFleetOptions {
  /** Working directory of all commands; the plan and the store are in it. */
  directory: string;
  /** Words of the command that has the plan, without the queue. */
  command: readonly string[];
  workers: number;
  /** How often a worker, and the server, is killed. */
  workerKills: number;
  redisKills: number;
  /** Seconds between kills: uniform from the first to the second. */
  pause: [number, number];
  seed: number;
  onEvent?(text: string): void;
}

/** What came of it. */
export interface KilledFleetResult {
  /** Of the command that has the plan. */
  code: number | null;
  out: string;
  err: string;
  /** Kills that happened while there was work. */
  workerKills: number;
  redisKills: number;
  /** What each worker wrote. */
  workerOutputs: string[];
}

/** Does a plan while workers and Redis are killed. Killed workers are replaced at once, Redis after half a second. */
export async function runKilledFleet(options: KilledFleetOptions): Promise<KilledFleetResult> {
  const { directory, seed, onEvent = () => {} } = options;
  const random = new Random(seed, 'kills');
  const redis = await startRedis(directory);
  const url = redis.urlOf('kills');
  const all: Command[] = [];
  const start = () => {
    const worker = startWnn(directory, ['worker', '--queue', url, '--lock-seconds', '2']);
    all.push(worker);
    return worker;
  };
  const workers = Array.from({ length: options.workers }, start);
  const plan = startWnn(directory, [...options.command, '--queue', url]);
  const result = { workerKills: 0, redisKills: 0 };
  let ended = false;
  void plan.ended.then(() => {
    ended = true;
  });
  try {
    const kills = [
      ...Array<string>(options.workerKills).fill('worker'),
      ...Array<string>(options.redisKills).fill('redis'),
    ];
    const order = random.permutation(kills.length);
    // Not before there is something to disturb.
    while (!ended && !all.some(({ err }) => err.includes(': started'))) await sleep(50);
    for (const i of order) {
      const [low, high] = options.pause;
      await Promise.race([sleep(1000 * (low + random.uniform() * (high - low))), plan.ended]);
      if (ended) break;
      if (kills[i] === 'redis') {
        onEvent('kill -9 redis');
        await redis.kill();
        await sleep(500);
        await redis.restart();
        result.redisKills++;
      } else {
        const victim = random.below(workers.length);
        onEvent(`kill -9 worker ${victim + 1}`);
        workers[victim].child.kill('SIGKILL');
        await workers[victim].ended;
        workers[victim] = start();
        result.workerKills++;
      }
    }
    const code = await plan.ended;
    return { ...result, code, out: plan.out, err: plan.err, workerOutputs: all.map(({ err }) => err) };
  } finally {
    plan.child.kill('SIGKILL');
    for (const { child } of workers) child.kill('SIGTERM');
    await Promise.all(workers.map(({ ended }) => ended));
    await redis.kill();
  }
}
