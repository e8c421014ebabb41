// Damaged files, at random but the same every time, and what their readers make of them. Readers run in a thread, so that
// one that does not come back is seen.

import { fileURLToPath } from 'node:url';
import { Worker } from 'node:worker_threads';
import type { Random } from '../../src/random.js';

const THREAD = fileURLToPath(new URL('./damageThread.mjs', import.meta.url));

/** Values that lengths and offsets are replaced by. */
const NUMBERS = [0, 1, 0x7f, 0xff, 0x7fff, 0xffff, 0x7fffffff, 0x80000000, 0xffffffff, 0x10000000];

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

/** What a reader made of a file: it read it, refused it with an error of ours, threw another, or did not come back. */
export type Verdict = { outcome: 'read' | 'refused' | 'threw' | 'hung'; message: string };

/** Readers in a thread that is replaced when it does not answer. */
export class DamageReader {
  readonly #seconds: number;
  #thread: Worker | undefined;

  /** @param seconds after which a reader counts as hung. */
  constructor(seconds = 5) {
    this.#seconds = seconds;
  }

  /** @param reader name of a reader in damageThread.mjs. */
  async read(reader: string, bytes: Uint8Array): Promise<Verdict> {
    this.#thread ??= new Worker(THREAD, { resourceLimits: { maxOldGenerationSizeMb: 512 } });
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
