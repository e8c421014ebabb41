// The introspection network of 2017, trained on a trajectory store before the runs.

import { createHash } from 'node:crypto';
import { resolve } from 'node:path';
import type { Method } from '../../evaluation/schema.js';
import { listRuns } from '../../trajectory/runReader.js';
import type { MethodDefinition } from './definition.js';
import { IntrospectionForecasting } from './introspection/callback.js';
import { prepareIntrospection, readIntrospection } from './introspection/prepare.js';
import { placeOf } from './place.js';

/** Data of the method. */
export type IntrospectionMethod = Method & {
  /** Absolute path of the store. */
  store: string;
  /** SHA-256 of the manifests of its runs, which hold the checksums of their values. */
  contentHash: string;
  /** Epochs (from 0) at whose end it jumps to where it sees the weights at twice the time. */
  jumps: number[];
};

/** When it jumps: its inputs lie at whole epochs there, and each jump looks as far as the next. */
const JUMPS = [10, 20, 40];

/** Jumps of a method that comes from a queue, at most. */
const MOST_JUMPS = 1000;

/** Tells beforehand which jumps the runs are too short for: one after the last epoch changes no metric. */
function describeLateJumps(jumps: readonly number[], epochs: number): string | null {
  const late = jumps.filter((jump) => jump + 1 >= epochs);
  if (late.length === 0) return null;
  const what =
    late.length < jumps.length ? `no jumps after epochs ${late.join(', ')}` : 'no jump at all: plain training';
  return `introspection jumps after epochs ${jumps.join(', ')} (from 0); in ${epochs} epochs ${what}`;
}

export const introspection: MethodDefinition<IntrospectionMethod> = {
  type: 'introspection',
  argument: 'STORE',
  nowcasts: true,
  paths: ['store'],
  parse(store) {
    const hash = createHash('sha256');
    for (const { manifest } of listRuns(store)) hash.update(JSON.stringify(manifest));
    const contentHash = hash.digest('hex');
    return { type: 'introspection', name: 'introspection', store: resolve(store), contentHash, jumps: JUMPS };
  },
  check(data) {
    const { name, store, contentHash, jumps } = data as IntrospectionMethod;
    const hashed = typeof contentHash === 'string' && /^[0-9a-f]{64}$/.test(contentHash);
    const short = Array.isArray(jumps) && jumps.length <= MOST_JUMPS;
    if (!hashed || !short) return null;
    if (!jumps.every((jump) => Number.isSafeInteger(jump) && jump >= 0)) return null;
    return { type: 'introspection', name, store, contentHash, jumps };
  },
  describe: ({ store, jumps }) => ({
    sentence: `the 2017 network, trained on ${placeOf(store)}, jumps after epochs ${jumps.join(', ')} (from 0)`,
    command: `introspection:${placeOf(store)}`,
  }),
  async prepare({ store, contentHash, jumps }, { out, epochs, onNote, ...rest }) {
    const note = describeLateJumps(jumps, epochs);
    if (note !== null) onNote?.(note);
    await prepareIntrospection(out, store, contentHash, rest);
  },
  train({ contentHash, jumps }, { inputs }) {
    const callback = new IntrospectionForecasting(readIntrospection(inputs, contentHash), jumps);
    return { callback, nowcasts: () => callback.history };
  },
};
