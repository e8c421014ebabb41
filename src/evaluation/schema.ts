// What an evaluation's directory holds, in types: written by evaluate, read by report. No arithmetic here.

import type { Nowcast } from '../callback/index.js';
import type { EngineRequest } from '../engine/engine.js';
import type { TrainedKind } from '../nowcaster/spec.js';
import type { OptimizerInfo } from '../trajectory/schema.js';

/** Version of the files of an evaluation; checked by every reader. */
export const EVALUATION_SCHEMA_VERSION = 1;

/** Name of the file with the comparison, in the output directory. */
export const RESULTS_NAME = 'results.json';

/** Name of the file with examples of forecasts, in the output directory. */
export const FORECASTS_NAME = 'forecasts.json';

/** The metric that decides; better the higher. */
export const METRIC = 'val_acc';

/** A method as data: JSON that its definition made (src/evaluate/methods/). */
export interface Method {
  /** Of its definition, e.g. `linear`, `nowcaster`. */
  readonly type: string;
  /** What to call it: letters, digits, `.`, `_`, `-`. Unique within an evaluation. */
  readonly name: string;
  /** Settings of the definition's own. */
  readonly [setting: string]: unknown;
}

/** What a report says of a method. */
export interface MethodDescription {
  /** What it does, as a part of a sentence. */
  sentence: string;
  /** What asks for it again in `wnn evaluate --methods`. */
  command: string;
  /** How the networks that it applies were trained, as a sentence. Absent where there are none. */
  training?: string;
  /**
   * Mean absolute errors on held-out runs, measured in that training, by kind: of no change, of a straight line, and its own.
   * In units of twice the window's range.
   */
  heldOut?: Partial<Record<TrainedKind, { noChange: number; linear: number; own: number }>>;
}

/** A method with what a report needs to know of it. */
export type DescribedMethod = Method & {
  about: MethodDescription & {
    /** Whether all others are compared with it; the first is. */
    baseline: boolean;
  };
};

/** What is trained, and by which method. The same settings give the same id wherever and whenever. */
export interface EvaluationJob {
  /** Unique, made from all that follows; letters, digits, `.`, `_`, `-`. */
  id: string;
  /** Image set and architecture, e.g. `mnist/cnn`. */
  task: string;
  seed: number;
  method: Method;
  epochs: number;
  batchSize: number;
  optimizer: OptimizerInfo;
  /** Training and validation examples, drawn by the task's own seed; null: all. */
  trainExamples: number | null;
  validationExamples: number | null;
  /** Whether nowcasts that raise the loss on a training batch are shortened or undone; false for methods without nowcasts. */
  guard: boolean;
  /** Compute engine that was asked for. */
  engine: EngineRequest;
}

/** A finished training. Figures that were not finite are null. */
export interface RunRecord extends EvaluationJob {
  schemaVersion: typeof EVALUATION_SCHEMA_VERSION;
  toolkitVersion: string;
  /** Compute engine that trained, for people: `wasm (SIMD, 1 thread)`. */
  engineDescription: string;
  /** `diverged`: loss or weights became NaN or infinite, and training ended there. */
  status: 'complete' | 'diverged';
  /** loss, acc, val_loss, val_acc; one value an epoch. */
  metrics: Record<string, (number | null)[]>;
  /** Wall-clock seconds from the start of training to the end of each epoch, nowcasting and validation included. */
  seconds: number[];
  /** Nowcasts in order; none for methods that do not nowcast. */
  nowcasts: Nowcast[];
}

/** A figure measured once a seed. */
export interface Estimate {
  /** One value a seed, in the order of the seeds; null where there is none, e.g. a target that was never reached. */
  values: (number | null)[];
  /** Seeds that have a value. */
  count: number;
  /** Mean of the values; null when there are none. */
  mean: number | null;
  /** Standard deviation of the values (n - 1); null below two. */
  sd: number | null;
  /**
   * 95% interval of the mean by the bootstrap (Efron, 1979, percentiles of 10,000 resamplings of the seeds); null below
   * two values. Values that compare two methods on the same seed make it a paired interval.
   */
  interval: [low: number, high: number] | null;
}

/** How soon a method had a value that the plain run of the same seed had at some time. */
export interface TargetFigures {
  /** Epochs to it, one value a seed; null where it was not reached. */
  epochs: Estimate;
  /** Wall-clock seconds to it, nowcasting included. */
  seconds: Estimate;
  /** Plain's epochs divided by the method's, seed by seed. Only seeds that reached it count. */
  speedup: Estimate;
  /** The same in seconds. */
  speedupSeconds: Estimate;
  /** Seeds that reached it. */
  reached: number;
}

/** One method on one task. */
export interface MethodSummary {
  name: string;
  /** Best value of the metric. */
  best: Estimate;
  /** Best value less that of plain on the same seed. */
  gain: Estimate;
  /** To the best value of the plain run of the same seed. */
  toPlainBest: TargetFigures;
  /** To each chosen target. */
  toTargets: ({ target: number } & TargetFigures)[];
  /** Mean speed-up over every new best that plain sets after `newBestsAfter` epochs; see evaluate/statistics.ts. */
  newBests: { speedup: Estimate; reached: number; total: number };
  /** Seconds of one nowcast, mean of each run; without the guard. */
  secondsPerNowcast: Estimate;
  /**
   * Nowcasts of all seeds by what became of them. `shortened` of the kept went only a part of the way, by the guard; `seen`
   * of all came before the last epoch, so that a later one could show what they did. Null for methods that do not nowcast.
   */
  nowcasts: { kept: number; undone: number; skipped: number; shortened: number; seen: number } | null;
  /** Weights that a nowcast replaces. */
  scalarsPerNowcast: number | null;
  /** Seeds whose training diverged. */
  diverged: number[];
}

/** One task. */
export interface TaskSummary {
  task: string;
  seeds: number[];
  /** The baseline first, then as asked for. */
  methods: MethodSummary[];
}

/** Errors of one method on one kind. */
export interface ForecastErrors {
  /** `no change` forecasts the window's last value; it is there for every horizon of the methods. */
  method: string;
  kind: TrainedKind;
  horizon: number;
  /** Last epoch (from 0) of each window. */
  epochs: number[];
  /** Mean absolute error of the windows that end in that epoch, in units of twice the range of the longest method's window;
   * null where none moved. */
  byEpoch: (number | null)[];
  /** Mean over all windows; null without any. */
  mean: number | null;
  /** Windows measured; those that did not move at all are left out. */
  windows: number;
}

/** Forecasts of single windows, to be drawn. */
export interface ForecastExamples {
  kind: TrainedKind;
  /** Last epoch of each example's window. */
  epochs: number[];
  /** The window, normalized: first value 0, in units of the scale. */
  windows: number[][];
  /** What the weight did: `residuals[i][h]` is its change from the window's last value after h + 1 epochs. */
  residuals: number[][];
  /** Each method's forecast of that change, at its own horizon. */
  forecasts: { method: string; horizon: number; residuals: number[] }[];
}

/** Content of `results.json`. */
export interface EvaluationResults {
  schemaVersion: typeof EVALUATION_SCHEMA_VERSION;
  toolkitVersion: string;
  /** Settings that all runs share. */
  settings: Pick<
    EvaluationJob,
    'epochs' | 'batchSize' | 'optimizer' | 'trainExamples' | 'validationExamples' | 'guard'
  > & {
    targets: number[];
    newBestsAfter: number;
  };
  /** All methods, the baseline first. */
  methods: DescribedMethod[];
  /** Addresses of the modules that define methods from outside of the toolkit. */
  methodModules: string[];
  tasks: (TaskSummary & {
    /** How well the methods that look at windows forecast the plain runs' weights. */
    forecastErrors: ForecastErrors[];
  })[];
  /** Ids of the runs that the figures come from; their files are `runs/<id>.json`. */
  runs: string[];
}

/** Content of `forecasts.json`: forecasts of single windows of the first seed's plain run, to be drawn. */
export interface EvaluationForecasts {
  schemaVersion: typeof EVALUATION_SCHEMA_VERSION;
  tasks: { task: string; examples: ForecastExamples[] }[];
}
