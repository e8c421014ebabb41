// Workers and Redis killed with -9 while a plan is done: it completes, and the store is that of a single process.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { CollectResult } from '../../src/collect/index.js';
import { filesOf, runKilledFleet, startWnn } from './killing.js';
import { NO_REDIS } from './redis.js';

const PLAN = `
tasks: [mnist/mlp]
runs: 4
epochs: 12
seed: 5
batchSizes: [16]
trainExamples: 192
validationExamples: 32
width: 0.125
`;

let directory: string;

beforeAll(() => {
  directory = mkdtempSync(join(tmpdir(), 'wnn-fleet-'));
  writeFileSync(join(directory, 'plan.yaml'), PLAN);
});

afterAll(() => rmSync(directory, { recursive: true, force: true }));

test.skipIf(NO_REDIS)(
  `two workers killed twice and Redis once: nothing missing, nothing doubled ${NO_REDIS || ''}`,
  async () => {
    const command = ['collect', '--plan', 'plan.yaml', '--engine', 'wasm', '--json', '--store'];
    const single = startWnn(directory, [...command, 'single', '--workers', '1']);
    const fleet = await runKilledFleet({
      directory,
      command: [...command, 'fleet'],
      workers: 2,
      workerKills: 2,
      redisKills: 1,
      pause: [0.2, 0.8],
      seed: 1,
    });
    expect({ code: fleet.code, err: fleet.code === 0 ? '' : fleet.err }).toEqual({ code: 0, err: '' });
    expect(fleet).toMatchObject({ workerKills: 2, redisKills: 1 });
    const result = JSON.parse(fleet.out) as CollectResult;
    expect(result.counts).toEqual({ complete: 4 });
    expect(await single.ended).toBe(0);
    const files = filesOf(join(directory, 'fleet'));
    expect([...files.keys()]).toEqual([...filesOf(join(directory, 'single')).keys()]);
    expect(files).toEqual(filesOf(join(directory, 'single')));
  },
);
