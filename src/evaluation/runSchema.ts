// What an evaluation trains: methods, jobs and the records of finished trainings. The types are inferred from the schemas that
// validate the files.

import * as v from 'valibot';
import type { Nowcast, Probation } from '../callback/index.js';
import type { EngineRequest } from '../engine/engine.js';
import { TRAINED_KINDS } from '../nowcaster/spec.js';
import type { OptimizerInfo } from '../trajectory/schema.js';

/** Version of the files of an evaluation; checked by every reader. */
export const EVALUATION_SCHEMA_VERSION = 2;

const number = v.number();
const text = v.string();
const numberOrNull = v.nullable(number);
const numbersOrNulls = v.array(numberOrNull);
const kind = v.picklist(TRAINED_KINDS);
/** Names of methods and runs, which are also file names. */
export const name = v.pipe(text, v.regex(/^\w[\w.+-]*$/));

/** A method as JSON data, created by its definition (src/evaluate/methods/). */
export interface Method {
  /** Of its definition, e.g. `linear`, `nowcaster`. */
  readonly type: string;
  /** What to call it: letters, digits, `.`, `_`, `+`, `-`. Unique within an evaluation. */
  readonly name: string;
  /** Settings of the definition's own. */
  readonly [setting: string]: unknown;
}

const method: v.GenericSchema<unknown, Method> = v.looseObject({ type: text, name });

const description = {
  /** What it does, as a part of a sentence. */
  sentence: text,
  /** Its value for `wnn evaluate --method`. */
  command: text,
  /** How the networks that it applies were trained, as a sentence. Absent where there are none. */
  training: v.optional(text),
  /**
   * Mean absolute errors on held-out runs, measured in that training, by kind: of no change, of a straight line, and its own.
   * In units of twice the window's range.
   */
  heldOut: v.optional(v.record(kind, v.object({ noChange: number, linear: number, own: number }))),
};

/** The description of a method in a report. */
export type MethodDescription = v.InferOutput<v.ObjectSchema<typeof description, undefined>>;

/** The schema of {@link DescribedMethod}. */
export const describedMethod = v.looseObject({
  type: text,
  name,
  about: v.object({
    ...description,
    /** Whether all others are compared with it; the first is. */
    baseline: v.boolean(),
  }),
});

/** A method with what a report needs to know of it. */
export type DescribedMethod = Method & v.InferOutput<typeof describedMethod>;

/** The schema of an optimizer's settings. */
export const optimizer: v.GenericSchema<unknown, OptimizerInfo> = v.objectWithRest(
  { name: text, learningRate: number },
  v.union([number, text, v.boolean()]),
);

/** Settings of the trainings of one task. Methods may have learning rates of their own beside. */
export const taskSettings = {
  epochs: number,
  batchSize: number,
  optimizer,
  /** Training and validation examples, drawn by the task's own seed; null: all. */
  trainExamples: numberOrNull,
  validationExamples: numberOrNull,
  /** Training examples of an epoch; the next one goes on in the others. Null: all, so that an epoch is one pass. */
  epochExamples: numberOrNull,
};

/** Settings of the trainings of one task. */
export type TaskSettings = v.InferOutput<v.ObjectSchema<typeof taskSettings, undefined>>;

const job = {
  /** Unique, made from all that follows; letters, digits, `.`, `_`, `+`, `-`. */
  id: name,
  /** Dataset and architecture with its options, e.g. `mnist/simplenet`. */
  task: text,
  seed: number,
  method,
  ...taskSettings,
  /** Compute engine that was asked for. */
  engine: v.custom<EngineRequest>((value) => typeof value === 'string'),
  /** Whether nothing else was trained on the machine at the same time, so that its seconds can be compared. */
  alone: v.boolean(),
};

/** A training with one method. The id depends only on the settings. */
export type EvaluationJob = v.InferOutput<v.ObjectSchema<typeof job, undefined>>;

const probation: v.GenericSchema<unknown, Probation> = v.object({
  verdict: v.picklist(['pending', 'gained', 'late', 'reverted', 'unjudged']),
  snapshots: number,
  expected: numberOrNull,
  allowed: numberOrNull,
  loss: numberOrNull,
  gain: numberOrNull,
  cost: number,
  bytes: number,
});

const nowcast: v.GenericSchema<unknown, Nowcast> = v.object({
  snapshot: number,
  epoch: numberOrNull,
  outcome: v.picklist(['kept', 'reverted', 'skipped']),
  reason: v.nullable(text),
  scalars: v.object(v.entriesFromList(TRAINED_KINDS, v.optional(number))),
  stepScale: number,
  seconds: number,
  probation: v.nullable(probation),
});

/** The schema of {@link RunRecord}. */
export const record = v.object({
  schemaVersion: v.literal(EVALUATION_SCHEMA_VERSION),
  toolkitVersion: text,
  ...job,
  /** Human-readable description of the compute engine: `wasm (SIMD, 1 thread)`. */
  engineDescription: text,
  /** `diverged`: loss or weights became NaN or infinite, and training ended there. */
  status: v.picklist(['complete', 'diverged']),
  /** loss, acc, val_loss, val_acc and the task's own, e.g. val_perplexity; one value an epoch. */
  metrics: v.record(text, numbersOrNulls),
  /** Wall-clock seconds from the start of training to the end of each epoch, nowcasting and validation included. */
  seconds: v.array(number),
  /** Nowcasts in order; none for methods that do not nowcast. */
  nowcasts: v.array(nowcast),
});

/** A finished training. Metrics that were not finite are null. */
export type RunRecord = v.InferOutput<typeof record>;
