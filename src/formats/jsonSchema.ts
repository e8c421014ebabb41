// Types of values from outside, by schemas, and one clear line for the first that does not fit. Values in a message are cut,
// and none is walked to describe it. Not for what users' jobs import: valibot is no dependency of theirs.

import * as v from 'valibot';
import { CorruptFileError } from '../errors.js';
import { quoteValue } from './parseJson.js';

/** The first thing about a value that does not fit a schema, as `runs.0.id is not a string`; null when all fits. */
export function schemaProblem(schema: v.GenericSchema, value: unknown): string | null {
  const { success, issues } = v.safeParse(schema, value, { abortEarly: true });
  if (success) return null;
  const [issue] = issues;
  const path = v.getDotPath(issue);
  const at = path === null ? 'it' : path.length > 100 ? `${path.slice(0, 100)}...` : path;
  if (issue.kind === 'validation' && issue.expected === null) return `${at}: ${issue.message}`;
  return `${at} is ${issue.received === 'undefined' ? 'missing' : `${quoteValue(issue.input)}, not ${issue.expected}`}`;
}

/**
 * Gives a value the type of its schema.
 *
 * @throws {@link CorruptFileError} naming the field that does not fit.
 */
export function requireSchema<S extends v.GenericSchema>(
  schema: S,
  value: unknown,
  { what, where, remedy }: { what: string; where: string; remedy: string },
): v.InferOutput<S> {
  const problem = schemaProblem(schema, value);
  if (problem !== null) throw new CorruptFileError({ what: `${what}: ${problem}`, where, remedy });
  return value as v.InferOutput<S>;
}
