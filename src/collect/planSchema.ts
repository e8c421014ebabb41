// The fields of a plan and their types, for plans that come from a file or from code. Their ranges are plan.ts's.

import * as v from 'valibot';
import { UsageError } from '../errors.js';
import { schemaProblem } from '../formats/jsonSchema.js';
import { ANYTHING, type OptionTypes } from '../optionTypes.js';
import type { Augmentation } from '../tasks/augmentation.js';
import type { OptimizerName } from '../tasks/optimizer.js';
import type { SnapshotCadence } from '../trajectory/cadence.js';

/** Least and greatest value of a draw. */
export type Range = [low: number, high: number];

/** An optimizer of a plan: its name, or its settings, with a range of learning rates of its own. */
export type PlannedOptimizer =
  | OptimizerName
  | { name: OptimizerName; learningRate?: number | Range; [setting: string]: unknown };

/** What to record. In a plan file (YAML) the same names are used. */
export interface PlanOptions {
  /** Tasks to train, e.g. `mnist/lenet` or `text/gpt?depth=2`; run i trains task i modulo their number. */
  tasks: readonly string[];
  /** Number of runs over all tasks. Default: one per task. */
  runs?: number;
  /** Epochs of each run. Default 30. */
  epochs?: number;
  /** Fixes everything that is drawn. Default 1. */
  seed?: number;
  /** Learning rates, uniform in the logarithm; or one for all. Default: a usual range of each optimizer. */
  learningRate?: number | Range;
  /** Batch sizes, all equally likely. Default [64, 128, 256]. */
  batchSizes?: readonly number[];
  /** Optimizers, all equally likely. Default ['adam']. */
  optimizers?: readonly PlannedOptimizer[];
  /**
   * Learning-rate schedules over the epochs of a run, e.g. `cosine` or `step:0.1@0.5/0.75`, all equally likely; not for optimizers
   * with a schedule among their settings. Default ['constant'].
   */
  schedules?: readonly string[];
  /**
   * Factor on the networks' channels and units, uniform in the logarithm; or one for all. 0.125 to 4, default 1. A task that
   * names its own (`mnist/cnn?width=0.5`) keeps it.
   */
  width?: number | Range;
  /** Training examples, drawn at random by each run; a range is uniform in the logarithm. Default: all. */
  trainExamples?: number | Range;
  /** Training examples of an epoch; the next one goes on in the others. Default: all, so that an epoch is one pass. */
  epochExamples?: number;
  /** Validation examples, drawn at random by each run. Default: all. */
  validationExamples?: number;
  /** Random changes of the training images: shift, flip, rotation, zoom. Default: none. */
  augmentation?: Augmentation;
  /** When snapshots are taken, e.g. `{ unit: 'step', every: 100 }`. Default: every epoch. */
  cadence?: SnapshotCadence;
  /** Scalars to record of each tensor that has more, as of `TrajectoryRecorder`. Default: all. */
  scalarsPerTensor?: number;
}

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

/** The same as options, whose types {@link requirePlanTypes} checks. */
export const PLAN_OPTIONS = Object.fromEntries(
  PLAN_FIELDS.map((field) => [field, ANYTHING]),
) as unknown as OptionTypes<PlanOptions>;

/**
 * Refuses a plan with a field of another type.
 *
 * @throws {@link UsageError} naming the field.
 */
export function requirePlanTypes(plan: unknown, where: string): void {
  const problem = schemaProblem(PLAN_SCHEMA, plan);
  if (problem !== null) throw new UsageError({ what: problem, where, remedy: 'correct the plan' });
}
