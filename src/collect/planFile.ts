// Plan files: YAML (or JSON, which is YAML too) with the fields of PlanOptions.

import { readFileSync } from 'node:fs';
import { parse } from 'yaml';
import { CorruptFileError, MissingFileError, UsageError } from '../errors.js';
import { unknownName } from '../tasks/nearestName.js';
import { PLAN_FIELDS, type PlanOptions } from './plan.js';

/**
 * Reads a plan file. Its values are checked by planRuns.
 *
 * @throws {@link MissingFileError} when it cannot be read, {@link CorruptFileError} when it is not YAML,
 *   {@link UsageError} for a field that plans do not have.
 */
export function readPlanFile(path: string): Partial<PlanOptions> {
  let text: string;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new MissingFileError({ what: 'cannot read the plan', where: path, remedy: 'check the path', cause: error });
  }
  let plan: unknown;
  try {
    plan = parse(text);
  } catch (error) {
    const why = error instanceof Error ? error.message.split('\n')[0].replace(/:$/, '') : String(error);
    throw new CorruptFileError({ what: `not YAML (${why})`, where: path, remedy: 'correct the plan', cause: error });
  }
  if (typeof plan !== 'object' || plan === null || Array.isArray(plan)) {
    throw new UsageError({ what: 'not a plan', where: path, remedy: `give fields: ${PLAN_FIELDS.join(', ')}` });
  }
  for (const field of Object.keys(plan)) {
    if (!PLAN_FIELDS.includes(field as never)) throw unknownName(`field of plan ${path}`, field, PLAN_FIELDS);
  }
  return plan as Partial<PlanOptions>;
}
