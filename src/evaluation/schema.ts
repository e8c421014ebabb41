// The files of an evaluation's directory, written by evaluate and read by report. The types are inferred from the schemas
// that validate the files; unknown fields are dropped.

import * as v from 'valibot';
import type { Nowcast, Probation } from '../callback/index.js';
import type { EngineRequest } from '../engine/engine.js';
import { TRAINED_KINDS } from '../nowcaster/spec.js';
import type { OptimizerInfo } from '../trajectory/schema.js';

/** Version of the files of an evaluation; checked by every reader. */
export const EVALUATION_SCHEMA_VERSION = 2;

/** Name of the file with the comparison, in the output directory. */
export const RESULTS_NAME = 'results.json';

/** Name of the file with examples of forecasts, in the output directory. */
export const FORECASTS_NAME = 'forecasts.json';

/** The metric that is compared; higher is better. */
export const METRIC = 'val_acc';

const number = v.number();
const numbers = v.array(number);
const text = v.string();
const numberOrNull = v.nullable(number);
const numbersOrNulls = v.array(numberOrNull);
const version = v.literal(EVALUATION_SCHEMA_VERSION);
const kind = v.picklist(TRAINED_KINDS);
/** Names of methods and runs, which are also file names. */
const name = v.pipe(text, v.regex(/^\w[\w.+-]*$/));

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

const describedMethod = v.looseObject({
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

const optimizer: v.GenericSchema<unknown, OptimizerInfo> = v.objectWithRest(
  { name: text, learningRate: number },
  v.union([number, text, v.boolean()]),
);

/** Settings that all runs of an evaluation share. */
const sharedSettings = {
  epochs: number,
  batchSize: number,
  optimizer,
  /** Training and validation examples, drawn by the task's own seed; null: all. */
  trainExamples: numberOrNull,
  validationExamples: numberOrNull,
};

const job = {
  /** Unique, made from all that follows; letters, digits, `.`, `_`, `+`, `-`. */
  id: name,
  /** Image dataset and architecture, e.g. `mnist/cnn`. */
  task: text,
  seed: number,
  method,
  ...sharedSettings,
  /** Compute engine that was asked for. */
  engine: v.custom<EngineRequest>((value) => typeof value === 'string'),
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

const record = v.object({
  schemaVersion: version,
  toolkitVersion: text,
  ...job,
  /** Human-readable description of the compute engine: `wasm (SIMD, 1 thread)`. */
  engineDescription: text,
  /** `diverged`: loss or weights became NaN or infinite, and training ended there. */
  status: v.picklist(['complete', 'diverged']),
  /** loss, acc, val_loss, val_acc; one value an epoch. */
  metrics: v.record(text, numbersOrNulls),
  /** Wall-clock seconds from the start of training to the end of each epoch, nowcasting and validation included. */
  seconds: numbers,
  /** Nowcasts in order; none for methods that do not nowcast. */
  nowcasts: v.array(nowcast),
});

/** A finished training. Metrics that were not finite are null. */
export type RunRecord = v.InferOutput<typeof record>;

const estimate = v.object({
  /** One value a seed, in the order of the seeds; null where there is none, e.g. a target that was never reached. */
  values: numbersOrNulls,
  /** Seeds that have a value. */
  count: number,
  /** Mean of the values; null when there are none. */
  mean: numberOrNull,
  /** Standard deviation of the values (n - 1); null below two. */
  sd: numberOrNull,
  /**
   * 95% interval of the mean by the bootstrap (Efron, 1979, percentiles of 10,000 resamplings of the seeds), low and high;
   * null below two values. Values that compare two methods on the same seed make it a paired interval.
   */
  interval: v.nullable(v.tuple([number, number])),
});

/** Statistics of a quantity measured once per seed. */
export type Estimate = v.InferOutput<typeof estimate>;

const targetMetrics = v.object({
  /** Epochs to it, one value a seed; null where it was not reached. */
  epochs: estimate,
  /** Wall-clock seconds to it, nowcasting included. */
  seconds: estimate,
  /** Plain's epochs divided by the method's, seed by seed. Only seeds that reached it count. */
  speedup: estimate,
  /** The same in seconds. */
  speedupSeconds: estimate,
  /** Seeds that reached it. */
  reached: number,
});

/** How soon a method reached a target value, per seed. */
export type TargetMetrics = v.InferOutput<typeof targetMetrics>;

const methodSummary = v.object({
  name,
  /** Best value of the metric. */
  best: estimate,
  /** Best value minus that of plain on the same seed. */
  gain: estimate,
  /** To the best value of the plain run of the same seed. */
  toPlainBest: targetMetrics,
  /** To each chosen target. */
  toTargets: v.array(v.object({ target: number, ...targetMetrics.entries })),
  /** Mean speed-up over every new best that plain sets after `newBestsAfter` epochs; see evaluate/statistics.ts. */
  newBests: v.object({ speedup: estimate, reached: number, total: number }),
  /** Seconds of one nowcast, mean of each run. */
  secondsPerNowcast: estimate,
  /**
   * Nowcasts of all seeds by what became of them. `late` of the kept did not pay; those reverted have cost `discarded` snapshots; `seen`
   * of all came before the last epoch, so that a later one could show what they did. Null for methods that do not nowcast.
   */
  nowcasts: v.nullable(
    v.object({ kept: number, reverted: number, skipped: number, late: number, discarded: number, seen: number }),
  ),
  /** Weights that a nowcast replaces. */
  scalarsPerNowcast: numberOrNull,
  /** Seeds whose training diverged. */
  diverged: numbers,
});

/** One method on one task. */
export type MethodSummary = v.InferOutput<typeof methodSummary>;

const taskSummary = v.object({
  task: text,
  seeds: numbers,
  /** The baseline first, then as asked for. */
  methods: v.pipe(v.array(methodSummary), v.minLength(1)),
});

/** One task. */
export type TaskSummary = v.InferOutput<typeof taskSummary>;

const forecastErrors = v.object({
  /** `no change` forecasts the window's last value; it is there for every horizon of the methods. */
  method: text,
  kind,
  horizon: number,
  /** Last epoch (from 0) of each window. */
  epochs: numbers,
  /**
   * Mean absolute error of the windows that end in that epoch, in units of twice the range of the longest method's window;
   * null where none moved.
   */
  byEpoch: numbersOrNulls,
  /** Mean over all windows; null without any. */
  mean: numberOrNull,
  /** Windows measured; those that did not move at all are left out. */
  windows: number,
});

/** Errors of one method on one kind. */
export type ForecastErrors = v.InferOutput<typeof forecastErrors>;

const forecastExamples = v.pipe(
  v.object({
    kind,
    /** Last epoch of each example's window. */
    epochs: numbers,
    /** The window, normalized: first value 0, in units of the scale. */
    windows: v.array(numbers),
    /** What the weight did: `residuals[i][h]` is its change from the window's last value after h + 1 epochs. */
    residuals: v.array(numbers),
    /** Each method's forecast of that change, at its own horizon; null where it was not finite. */
    forecasts: v.array(v.object({ method: text, horizon: number, residuals: numbersOrNulls })),
  }),
  v.check(({ windows, residuals, forecasts }) =>
    [residuals, ...forecasts.map((entry) => entry.residuals)].every(({ length }) => length === windows.length),
  ),
);

/** Forecasts of single windows, for plots. */
export type ForecastExamples = v.InferOutput<typeof forecastExamples>;

const results = v.object({
  schemaVersion: version,
  toolkitVersion: text,
  settings: v.object({ ...sharedSettings, targets: numbers, newBestsAfter: number }),
  /** All methods, the baseline first. */
  methods: v.pipe(v.array(describedMethod), v.minLength(1)),
  /** Addresses of the modules that define methods from outside of the toolkit. */
  methodModules: v.array(text),
  tasks: v.array(
    v.object({
      ...taskSummary.entries,
      /** How well the methods that have a forecaster forecast the plain runs' weights. */
      forecastErrors: v.array(forecastErrors),
    }),
  ),
  /** Ids of the runs that all this comes from; their files are `runs/<id>.json`. */
  runs: v.array(name),
});

/** Content of `results.json`. */
export type EvaluationResults = v.InferOutput<typeof results>;

const forecasts = v.object({
  schemaVersion: version,
  tasks: v.array(v.object({ task: text, examples: v.array(forecastExamples) })),
});

/** Content of `forecasts.json`: forecasts of single windows of the first seed's plain run, to be drawn. */
export type EvaluationForecasts = v.InferOutput<typeof forecasts>;

/** The schemas of the files. */
export const EVALUATION_SCHEMAS = { results, forecasts, record };
