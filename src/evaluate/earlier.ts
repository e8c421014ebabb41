// An evaluation may be made larger in its directory, but never replaced by another one.

import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { UsageError } from '../errors.js';
import { readContent } from '../evaluation/files.js';
import { type EvaluationSettings, type Method, RESULTS_NAME } from '../evaluation/schema.js';
import { identityOf } from './methods/packing.js';
import type { TaskSpec } from './plan.js';

/** Settings that change only what is computed from the runs. */
const COMPUTED: ReadonlySet<string> = new Set<keyof EvaluationSettings>(['suite', 'seeds', 'targets', 'newBestsAfter']);

/** Says how two objects differ: `epochs 20, now 30`. */
function differencesOf(before: object, now: object): string[] {
  const show = (value: unknown): string =>
    value !== null && typeof value === 'object'
      ? Object.entries(value)
          .map(([key, content]) => (Array.isArray(value) ? show(content) : `${key} ${show(content)}`))
          .join(' ')
      : String(value);
  return Object.entries(before).flatMap(([key, value]) => {
    const other = (now as Record<string, unknown>)[key];
    return isDeepStrictEqual(value, other) ? [] : [`${key} ${show(value)}, now ${show(other)}`];
  });
}

/**
 * Makes sure that results in a directory are those of the same evaluation, or of a part of it: fewer tasks, seeds or methods.
 *
 * @throws {@link UsageError} that says what differs; the errors of files that cannot be read.
 */
export function requireSameEvaluation(
  out: string,
  settings: EvaluationSettings,
  tasks: readonly TaskSpec[],
  methods: readonly Method[],
): void {
  const path = join(out, RESULTS_NAME);
  if (!existsSync(path)) return;
  const earlier = readContent('results', path);
  const ran = Object.fromEntries(Object.entries(earlier.settings).filter(([key]) => !COMPUTED.has(key)));
  const differences = differencesOf(ran, settings);
  for (const { task, settings: before } of earlier.tasks) {
    const own = tasks.find((spec) => spec.task.name === task);
    if (own === undefined) differences.push(`task ${task}, now without it`);
    else differences.push(...differencesOf(before, own.settings));
  }
  for (const seed of earlier.settings.seeds)
    if (!settings.seeds.includes(seed)) differences.push(`seed ${seed}, now without it`);
  for (const { about: _, ...method } of earlier.methods) {
    const own = methods.find(({ name }) => name === method.name);
    if (own === undefined) differences.push(`method ${method.name}, now without it`);
    else if (JSON.stringify(identityOf(own)) !== JSON.stringify(identityOf(method)))
      differences.push(`another ${method.name}`);
  }
  if (differences.length === 0) return;
  throw new UsageError({
    what: `holds an evaluation of other settings: ${[...new Set(differences)].join('; ')}`,
    where: out,
    remedy: 'give another --out; tasks, seeds and methods may be added to this one',
  });
}
