// Plan files: YAML (or JSON, which is YAML too) with the fields of PlanOptions.

import { readFileSync, statSync } from 'node:fs';
import { Parser, parse } from 'yaml';
import { CorruptFileError, MissingFileError, UsageError } from '../errors.js';
import { unknownName } from '../nearestName.js';
import { PLAN_FIELDS, type PlanOptions, requirePlanTypes } from './planSchema.js';

/** Bytes of a plan file, at most. */
const LARGEST_PLAN = 2 ** 18;
/** How deep it may be nested, in tokens: the library composes what is nested by calling itself. */
const DEEPEST = 50;
/** How often aliases may repeat what they stand for: a few lines of them could stand for more than fits in memory. */
const MOST_ALIASES = 100;

/**
 * Reads a plan file. Ranges of its values are checked by planRuns.
 *
 * @throws {@link MissingFileError} when it cannot be read, {@link CorruptFileError} when it is not YAML, larger than 256 KiB,
 *   or nested too deep, {@link UsageError} for a field that plans do not have, or of another type.
 */
export function readPlanFile(path: string): Partial<PlanOptions> {
  const plan = parsePlan(readText(path), path);
  if (typeof plan !== 'object' || plan === null || Array.isArray(plan)) {
    throw new UsageError({ what: 'not a plan', where: path, remedy: `give fields: ${PLAN_FIELDS.join(', ')}` });
  }
  for (const field of Object.keys(plan)) {
    if (!PLAN_FIELDS.includes(field)) throw unknownName(`field of plan ${path}`, field, PLAN_FIELDS);
  }
  requirePlanTypes(plan, path);
  return plan as Partial<PlanOptions>;
}

function readText(path: string): string {
  try {
    const { size } = statSync(path);
    if (size > LARGEST_PLAN) throw refuse(`a plan of ${size} bytes, at most ${LARGEST_PLAN} are read`, path);
    return readFileSync(path, 'utf8');
  } catch (cause) {
    if (cause instanceof CorruptFileError) throw cause;
    throw new MissingFileError({ what: 'cannot read the plan', where: path, remedy: 'check the path', cause });
  }
}

function parsePlan(text: string, path: string): unknown {
  if (isTooDeep(text)) throw refuse('nested too deep', path);
  try {
    return parse(text, { maxAliasCount: MOST_ALIASES, logLevel: 'error' });
  } catch (cause) {
    const why = cause instanceof Error ? cause.message.split('\n')[0].replace(/:$/, '') : String(cause);
    throw refuse(`not YAML (${why})`, path, cause);
  }
}

/** Whether YAML is nested too deep. Only tokens are looked at, which the library makes without calling itself. */
function isTooDeep(text: string): boolean {
  const isToken = (value: unknown): value is { items?: unknown[]; key?: unknown; value?: unknown } =>
    typeof value === 'object' && value !== null;
  const documents: unknown[] = [...new Parser().parse(text)];
  let level = documents.filter(isToken);
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) return true;
    level = level.flatMap(({ items = [], key, value }) => [...items, key, value].filter(isToken));
  }
  return false;
}

function refuse(what: string, where: string, cause?: unknown): CorruptFileError {
  return new CorruptFileError({ what, where, remedy: 'correct the plan', cause });
}
