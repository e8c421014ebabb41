// The methods that evaluate compares, as data: what a job's file records and what a worker makes a callback of.

import { createHash } from 'node:crypto';
import { existsSync, readdirSync, readFileSync, statSync } from 'node:fs';
import { basename, join, resolve } from 'node:path';
import { MissingFileError, UsageError } from '../errors.js';
import type { Method } from '../evaluation/schema.js';
import { NOWCASTER_MANIFEST_NAME } from '../nowcaster/nowcaster.js';
import { listRuns } from '../trajectory/runReader.js';
import { CURVE_NAMES } from './curves/index.js';

export const PLAIN: Method = { type: 'plain', name: 'plain' };

/** Names of the methods that are not nowcasters. */
export const BASELINE_NAMES: readonly string[] = [...CURVE_NAMES, 'introspection'];

/** When introspection jumps, by default: its inputs lie at whole epochs there, and each jump looks as far as the next. */
const INTROSPECTION_JUMPS = [10, 20, 40];

function hashDirectory(directory: string): string {
  const hash = createHash('sha256');
  const visit = (path: string, name: string) => {
    if (statSync(path).isDirectory()) {
      for (const entry of readdirSync(path).sort()) visit(join(path, entry), `${name}/${entry}`);
      return;
    }
    // What is forecast depends on the manifest and the tfjs weights only.
    if (name !== `/${NOWCASTER_MANIFEST_NAME}` && !name.startsWith('/tfjs/')) return;
    hash.update(`${name}\n`);
    hash.update(readFileSync(path));
  };
  visit(directory, '');
  return hash.digest('hex');
}

/**
 * The method of a nowcaster directory given as `name=DIR` or `DIR` (named like its last part).
 *
 * @throws {@link MissingFileError} when there is no nowcaster; {@link UsageError} for an impossible name.
 */
export function nowcasterMethod(argument: string): Method {
  const split = argument.indexOf('=');
  const directory = resolve(argument.slice(split + 1));
  const name = split < 0 ? basename(directory) : argument.slice(0, split);
  if (!/^[\w][\w.-]*$/.test(name) || name === 'plain' || BASELINE_NAMES.includes(name))
    throw new UsageError({
      what: 'not a name for a nowcaster',
      where: argument,
      remedy: 'give NAME=DIR with a name of letters, digits, . _ - that no other method has',
    });
  if (!existsSync(join(directory, NOWCASTER_MANIFEST_NAME)))
    throw new MissingFileError({
      what: 'no nowcaster',
      where: join(directory, NOWCASTER_MANIFEST_NAME),
      remedy: 'give a directory that `wnn export` made',
    });
  return { type: 'nowcaster', name, directory, contentHash: hashDirectory(directory) };
}

/**
 * Introspection, to be trained on a trajectory store.
 *
 * @throws MissingFileError when there is no store.
 */
export function introspectionMethod(store: string, jumps: readonly number[] = INTROSPECTION_JUMPS): Method {
  const hash = createHash('sha256');
  for (const { manifest } of listRuns(store)) hash.update(JSON.stringify(manifest));
  return {
    type: 'introspection',
    name: 'introspection',
    store: resolve(store),
    contentHash: hash.digest('hex'),
    jumps: [...jumps],
  };
}

/**
 * The baseline of that name.
 *
 * @param store trajectory store on which introspection is trained.
 * @throws {@link UsageError} naming the known ones when there is none, or for introspection without a store.
 */
export function baselineMethod(name: string, store?: string): Method {
  if (name === 'introspection') {
    if (store !== undefined) return introspectionMethod(store);
    throw new UsageError({
      what: 'nothing to train on',
      where: name,
      remedy: 'give a trajectory store (--introspection-store)',
    });
  }
  const curve = CURVE_NAMES.find((candidate) => candidate === name);
  if (curve !== undefined) return { type: 'curve', name: curve };
  throw new UsageError({ what: 'unknown method', where: name, remedy: `known: ${BASELINE_NAMES.join(', ')}` });
}

/**
 * The methods of an evaluation: plain first, then the others in the order given.
 *
 * @throws {@link UsageError} when two have the same name.
 */
export function completeMethods(methods: readonly Method[]): Method[] {
  const all = [PLAIN, ...methods.filter(({ type }) => type !== 'plain')];
  for (const [i, { name }] of all.entries()) {
    if (all.findIndex((other) => other.name === name) === i) continue;
    throw new UsageError({ what: 'two methods of one name', where: name, remedy: 'give each a name of its own' });
  }
  return all;
}
