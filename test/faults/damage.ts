// Damaged files, at random but the same every time, and what their readers make of them. Readers run in a thread, so that
// one that does not come back is seen.

import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Random } from '../../src/random.js';

const THREAD = fileURLToPath(new URL('./damageThread.mjs', import.meta.url));

/** Values that lengths and offsets are replaced by. */
const NUMBERS = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000000];

/** A damaged copy of a file of a reader; every other one of JSON is JSON still. */
export function damageFile(reader: string, bytes: Uint8Array, random: Random): Uint8Array {
  return reader.endsWith('.json') && random.uniform() < 0.5 ? damageJson(bytes, random) : damage(bytes, random);
}

/** A damaged copy: a bit flipped, a number replaced, a piece cut out or doubled, the end cut off. */
export function damage(bytes: Uint8Array, random: Random): Uint8Array {
  const copy = Buffer.from(bytes);
  const at = Math.floor(random.uniform() * copy.length);
  const length = Math.floor(random.uniform() * 64);
  switch (Math.floor(random.uniform() * 5)) {
    case 0:
      copy[at] ^= 1 << Math.floor(random.uniform() * 8);
      return copy;
    case 1:
      copy.writeUInt32LE(random.pick(NUMBERS), Math.min(at, copy.length - 4));
      return copy;
    case 2:
      return Buffer.concat([copy.subarray(0, at), copy.subarray(at + length)]);
    case 3:
      return Buffer.concat([copy.subarray(0, at + length), copy.subarray(at)]);
    default:
      return copy.subarray(0, at);
  }
}

/** What values of JSON and YAML are replaced by. */
const VALUES = [
  null,
  true,
  0,
  -1,
  1e308,
  2 ** 53,
  '',
  '../x',
  '\u001b[2J\u0000',
  '<script>alert(1)</script>',
  'x'.repeat(100_000),
  [],
  {},
  [null],
  [[[[[[]]]]]],
  Array(10_000).fill(1),
];

/** A damaged copy of JSON that is JSON still: a value anywhere in it replaced by another, removed or doubled. */
export function damageJson(bytes: Uint8Array, random: Random): Uint8Array {
  const root = { value: JSON.parse(new TextDecoder().decode(bytes)) };
  const places: [holder: Record<string, unknown>, key: string][] = [];
  const visit = (holder: Record<string, unknown>) => {
    for (const key of Object.keys(holder)) {
      places.push([holder, key]);
      if (typeof holder[key] === 'object' && holder[key] !== null) visit(holder[key] as Record<string, unknown>);
    }
  };
  visit(root);
  const [holder, key] = random.pick(places);
  if (random.uniform() < 0.8) holder[key] = random.pick(VALUES);
  else if (!Array.isArray(holder)) delete holder[key];
  else if (random.uniform() < 0.5) holder.splice(Number(key), 1);
  else holder.push(holder[Number(key)]);
  return new TextEncoder().encode(JSON.stringify(root.value) ?? '');
}

/** What a reader made of a file: it read it, refused it with an error of ours, threw another, or did not come back. */
export type Verdict = { outcome: 'read' | 'refused' | 'threw' | 'hung'; message: string };

/** Readers in a thread that is replaced when it does not answer. */
export class DamageReader {
  readonly #seconds: number;
  readonly #evaluation: Readonly<Record<string, Uint8Array>>;
  #thread: Worker | undefined;

  /**
   * @param evaluation the files of a whole evaluation, by their paths.
   * @param seconds after which a reader counts as hung.
   */
  constructor(evaluation: Readonly<Record<string, Uint8Array>>, seconds = 5) {
    this.#evaluation = evaluation;
    this.#seconds = seconds;
  }

  /** @param reader name of a reader in damageThread.mjs. */
  async read(reader: string, bytes: Uint8Array): Promise<Verdict> {
    this.#thread ??= new Worker(THREAD, {
      workerData: this.#evaluation,
      resourceLimits: { maxOldGenerationSizeMb: 512 },
    });
    const thread = this.#thread;
    const drop = (verdict: Verdict): Verdict => {
      this.#thread = undefined;
      void thread.terminate();
      return verdict;
    };
    return new Promise((resolve) => {
      const timer = setTimeout(() => resolve(drop({ outcome: 'hung', message: '' })), 1000 * this.#seconds);
      thread.removeAllListeners();
      thread.once('message', (verdict: Verdict) => {
        clearTimeout(timer);
        resolve(verdict);
      });
      thread.once('error', (error) => {
        clearTimeout(timer);
        resolve(drop({ outcome: 'threw', message: String(error) }));
      });
      thread.postMessage({ reader, bytes });
    });
  }

  async end(): Promise<void> {
    await this.#thread?.terminate();
  }
}
