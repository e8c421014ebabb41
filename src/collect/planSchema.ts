// The types of a plan's fields, for plans that come from a file or from code. Their ranges are plan.ts's.

import * as v from 'valibot';
import { UsageError } from '../errors.js';
import { schemaProblem } from '../formats/jsonSchema.js';
import type { OptionNames } from '../knownOptions.js';
import type { PlanOptions } from './plan.js';

const number = v.number();
const texts = v.array(v.string());
const range = v.union([number, v.array(number)]);

const PLAN_SCHEMA = v.partial(
  v.object({
    tasks: texts,
    runs: number,
    epochs: number,
    seed: number,
    learningRate: range,
    batchSizes: v.array(number),
    optimizers: v.array(v.union([v.string(), v.looseObject({ name: v.string(), learningRate: v.optional(range) })])),
    schedules: texts,
    width: range,
    trainExamples: range,
    epochExamples: number,
    validationExamples: number,
    augmentation: v.record(v.string(), v.union([number, v.boolean()])),
    cadence: v.looseObject({ unit: v.string(), every: number }),
    scalarsPerTensor: number,
  } satisfies Record<keyof PlanOptions, v.GenericSchema>),
);

/** Names of all fields of a plan. */
export const PLAN_FIELDS = Object.keys(PLAN_SCHEMA.entries);

/** The same as names of options. */
export const PLAN_OPTIONS = Object.fromEntries(PLAN_FIELDS.map((field) => [field, true])) as OptionNames<PlanOptions>;

/**
 * Refuses a plan with a field of another type.
 *
 * @throws {@link UsageError} naming the field.
 */
export function requirePlanTypes(plan: unknown, where: string): void {
  const problem = schemaProblem(PLAN_SCHEMA, plan);
  if (problem !== null) throw new UsageError({ what: problem, where, remedy: 'correct the plan' });
}
