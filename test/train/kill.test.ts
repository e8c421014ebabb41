// Training in a process of its own, ended by SIGKILL, and with a file system that takes no more. Needs the build.

import { spawn } from 'node:child_process';
import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { Random } from '../../src/random.js';
import type { TrainOptions } from '../../src/train/index.js';
import { makeDirectory, writeSamples } from './fixtures.js';

const CHILD = fileURLToPath(new URL('trainChild.mjs', import.meta.url));

let dir: string;
let dispose: () => void;
beforeEach(() => {
  ({ dir, dispose } = makeDirectory());
});
afterEach(() => dispose());

interface Ending {
  code: number | null;
  signal: string | null;
  errors: string;
}

/**
 * Trains in a child.
 *
 * @param killAfter milliseconds from the first validation to SIGKILL.
 * @param fileLimit KiB that a file may have.
 */
function runChild(options: TrainOptions, killAfter?: number, fileLimit?: number): Promise<Ending> {
  const limit = fileLimit === undefined ? '' : `ulimit -f ${fileLimit}; `;
  const child = spawn('bash', ['-c', `${limit}exec "$@"`, 'bash', process.execPath, CHILD, JSON.stringify(options)]);
  let errors = '';
  child.stderr.on('data', (data) => {
    errors += data;
  });
  child.stdout.once('data', () => {
    if (killAfter !== undefined) setTimeout(() => child.kill('SIGKILL'), killAfter);
  });
  child.stdout.resume();
  return new Promise((resolve) => child.on('close', (code, signal) => resolve({ code, signal, errors })));
}

const digest = (path: string) => createHash('sha256').update(readFileSync(path)).digest('hex');
/** Every file by name, so that leftovers show too. */
const digestAll = (out: string) =>
  readdirSync(out, { recursive: true, encoding: 'utf8' })
    .filter((name) => statSync(join(out, name)).isFile())
    .toSorted()
    .map((name) => [name, digest(join(out, name))]);

function optionsFor(out: string): TrainOptions {
  const [samples, kinds] = [join(dir, 'samples'), ['fc'] as const];
  const pace = { batchSize: 256, epochs: 6, validationSteps: 20, checkpointSeconds: 0.02 };
  return { samples, out: join(dir, out), kinds, engine: 'wasm', threads: 2, ...pace };
}

describe('a training process', () => {
  it('that is killed goes on to the bytes of an undisturbed one', async () => {
    writeSamples(join(dir, 'samples'), { kinds: ['fc'], train: [8000, 5000], val: [500] });
    expect(await runChild({ ...optionsFor('whole'), threads: 1 })).toMatchObject({ code: 0, errors: '' });
    const random = new Random(11);
    let kills = 0;
    for (;;) {
      const { signal, code, errors } = await runChild(
        optionsFor('out'),
        kills < 3 ? 150 * random.uniform() : undefined,
      );
      if (signal !== 'SIGKILL') {
        expect([code, errors]).toEqual([0, '']);
        break;
      }
      kills++;
    }
    expect(kills).toBeGreaterThan(0);
    expect(digestAll(join(dir, 'out'))).toEqual(digestAll(join(dir, 'whole')));
  });

  it('that cannot write keeps its last checkpoint and says so', async () => {
    writeSamples(join(dir, 'samples'), { kinds: ['fc'], train: [8000, 5000], val: [500] });
    const checkpoint = join(dir, 'out/fc/checkpoint.safetensors');
    while (!existsSync(checkpoint)) await runChild(optionsFor('out'), 60);
    const before = digest(checkpoint);
    const { code, errors } = await runChild(optionsFor('out'), undefined, 60);
    expect(code).toBe(1);
    expect(errors).toMatch(/^WriteError: file too large .*(checkpoint|best)\.safetensors; .*\n$/);
    expect(digest(checkpoint)).toBe(before);
    expect(readdirSync(join(dir, 'out/fc')).filter((name) => name.endsWith('.tmp'))).toEqual([]);
    expect(await runChild(optionsFor('out'))).toMatchObject({ code: 0 });
    await runChild(optionsFor('whole'));
    expect(digestAll(join(dir, 'out'))).toEqual(digestAll(join(dir, 'whole')));
  });
});
