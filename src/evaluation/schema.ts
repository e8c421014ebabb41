// The files that an evaluation ends with, `results.json` and `forecasts.json`, read by report. The types are inferred from the
// schemas that validate the files; unknown fields are dropped.

import * as v from 'valibot';
import { TRAINED_KINDS } from '../nowcaster/spec.js';
import { describedMethod, EVALUATION_SCHEMA_VERSION, name, record } from './runSchema.js';
import { TARGETS, type TaskSummary, taskSummary, time, timeRatio } from './taskSchema.js';

export {
  type DescribedMethod,
  EVALUATION_SCHEMA_VERSION,
  type EvaluationJob,
  type Method,
  type MethodDescription,
  type RunRecord,
  type TaskSettings,
} from './runSchema.js';
export {
  type Estimate,
  type MethodSummary,
  type MethodTuning,
  TARGETS,
  type Target,
  type TargetMetrics,
  type TargetScore,
  type TaskSummary,
  type Time,
  type TimeRatio,
  type TimeScore,
  type Trial,
} from './taskSchema.js';

/** Name of the file with the comparison, in the output directory. */
export const RESULTS_NAME = 'results.json';

/** Name of the file with examples of forecasts, in the output directory. */
export const FORECASTS_NAME = 'forecasts.json';

const number = v.number();
const numbers = v.array(number);
const text = v.string();
const numberOrNull = v.nullable(number);
const numbersOrNulls = v.array(numberOrNull);
const version = v.literal(EVALUATION_SCHEMA_VERSION);
const kind = v.picklist(TRAINED_KINDS);

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
  v.check(({ residuals, forecasts }) =>
    forecasts.every(({ horizon }) => residuals.every((changes) => changes[horizon - 1] !== undefined)),
  ),
);

/** Forecasts of single windows, for plots. */
export type ForecastExamples = v.InferOutput<typeof forecastExamples>;

const overallScore = v.object({
  name,
  /** Geometric mean of the ratios to plain over the tasks where it gets to the target. */
  epochs: timeRatio,
  seconds: timeRatio,
  /** The tasks where it gets to the target, of those where plain sets one. */
  reached: v.array(text),
  missed: v.array(text),
});

/** One method over all tasks. */
export type OverallScore = v.InferOutput<typeof overallScore>;

const profile = v.array(
  v.object({
    name,
    /** Times as long as the best method takes, task by task; `never` for a target that was not reached. */
    factors: v.array(time),
    /** Integral of the share of tasks within a factor tau of the best, tau from 1 to 4, divided by 3. */
    integral: number,
  }),
);

/** A performance profile; `shareWithin` of profile.ts gives its curve. */
export type Profile = v.InferOutput<typeof profile>;

const overall = v.object({
  target: v.picklist(TARGETS),
  methods: v.array(overallScore),
  profile: v.object({ tasks: v.array(text), epochs: profile, seconds: profile }),
});

/** All methods over all tasks at one target. */
export type Overall = v.InferOutput<typeof overall>;

const settings = v.object({
  /** Name of the suite whose tasks these are; null: none. */
  suite: v.nullable(text),
  seeds: numbers,
  /** How learning rates were tuned; null: they were not. */
  tuning: v.nullable(
    v.object({
      /** Settings tried for each method on each task. */
      trials: number,
      /** Seeds of the trials, none of which is reported. */
      seeds: numbers,
      /** Whether step scales of nowcasters were tried as well, in as many trials. */
      stepScale: v.boolean(),
    }),
  ),
  /** Compute engine that was asked for. */
  engine: text,
  /** Whether one training ran at a time, so that seconds can be compared. Otherwise runs may have shared the machine. */
  alone: v.boolean(),
  /** Targets that were asked for, by the metric of each task. */
  targets: numbers,
  /** Epoch after which plain's new bests count; null: 40% of each task's epochs. */
  newBestsAfter: numberOrNull,
});

/** Settings of an evaluation as a whole; those of a task's trainings are with the task. */
export type EvaluationSettings = v.InferOutput<typeof settings>;

const taskFields = v.object({
  ...taskSummary.entries,
  /** How well the methods that have a forecaster forecast the plain runs' weights. */
  forecastErrors: v.array(forecastErrors),
});
const comparedTask: v.GenericSchema<unknown, v.InferOutput<typeof taskFields>> = v.pipe(
  taskFields,
  v.check((task) => hasOneValueASeed(task), 'another number of values than of seeds or targets'),
);

/** Whether each method has a score at each target, with a value for each seed. */
function hasOneValueASeed({ seeds, targets, methods }: TaskSummary): boolean {
  return methods.every(
    ({ targets: scores }) =>
      scores.length === targets.length &&
      scores.every(({ epochs, seconds }) => [epochs, seconds].every(({ values }) => values.length === seeds.length)),
  );
}

const results = v.object({
  schemaVersion: version,
  toolkitVersion: text,
  settings,
  /** All methods, the baseline first. */
  methods: v.pipe(v.array(describedMethod), v.minLength(1)),
  /** Addresses of the modules that define methods from outside of the toolkit. */
  methodModules: v.array(text),
  tasks: v.array(comparedTask),
  /** Tasks of the suite that were left out, and why. */
  missingTasks: v.array(v.object({ task: text, reason: text })),
  /** Comparison over all tasks, one entry a target of {@link TARGETS}. */
  overall: v.array(overall),
  /** Ids of the runs that all this comes from; their files are `runs/<id>.json`. */
  runs: v.array(name),
  /** Ids of the runs of the tuning. */
  trials: v.array(name),
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
