// What an evaluation says of one task: targets, scores of each method, and what tuning tried. The types are inferred from the
// schemas that validate the files.

import * as v from 'valibot';
import type { Metric } from '../tasks/metric.js';
import { name, optimizer, taskSettings } from './runSchema.js';

const number = v.number();
const numbers = v.array(number);
const text = v.string();
const numberOrNull = v.nullable(number);
const numbersOrNulls = v.array(numberOrNull);

const metric: v.GenericSchema<unknown, Metric> = v.object({
  name: text,
  label: text,
  better: v.picklist(['higher', 'lower']),
});

/**
 * A time to a target, or a quotient of two: `never` is infinite, for a target that was not reached; null where there is no
 * training to measure.
 */
export const time = v.union([number, v.literal('never'), v.null()]);

/** A time to a target, or a quotient of two; see {@link TimeRatio}. */
export type Time = v.InferOutput<typeof time>;

const timeScore = v.object({
  /** One value a seed, in the order of the seeds. */
  values: v.array(time),
  /** Median over the seeds that have a training. */
  median: time,
});

/** Times of a method to a target, in epochs or seconds. */
export type TimeScore = v.InferOutput<typeof timeScore>;

/** The schema of {@link TimeRatio}. */
export const timeRatio = v.object({
  /** The method's time divided by plain's: below 1 it is faster. `never` when only plain gets there, null when neither does. */
  value: time,
  /** 95% bootstrap interval over the seeds, paired with plain; null with one seed, or without a value. */
  interval: v.nullable(v.tuple([time, time])),
});

/** A method's time divided by plain's. */
export type TimeRatio = v.InferOutput<typeof timeRatio>;

/** The targets that every task has, in the order in which they are shown. `easier` is 98% of it. */
export const TARGETS = ['validation', 'easier validation', 'training loss', 'easier training loss'] as const;

const target = v.object({
  /** One of {@link TARGETS}, or `given` for values that were asked for. */
  sort: v.picklist([...TARGETS, 'given']),
  metric,
  /** The value to reach; null when plain sets none, because its trainings diverged or are missing. */
  value: numberOrNull,
  /** Seeds with which plain training itself does not get there. */
  missedByPlain: numbers,
});

/** A target of a task. */
export type Target = v.InferOutput<typeof target>;

const targetScore = v.object({
  epochs: timeScore,
  /** Wall-clock seconds; nowcasting, watching, averaging, statistics and validation included. */
  seconds: timeScore,
  epochsRatio: timeRatio,
  secondsRatio: timeRatio,
  /** Seeds that got there, of those that have a training. */
  reached: number,
  trained: number,
});

/** One method at one target. */
export type TargetScore = v.InferOutput<typeof targetScore>;

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
  /** Plain's epochs divided by the method's, seed by seed: above 1 it is faster. Only seeds that reached it count. */
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
  /** The optimizer as it was trained with: at its own learning rate, where that was tuned. */
  optimizer,
  /** Factor on the step scale of a nowcaster, where that was tuned; null: as it is. */
  stepScale: numberOrNull,
  /** One entry a target, in the order of the task's. */
  targets: v.array(targetScore),
  /** Best value of the metric. */
  best: estimate,
  /** Value of the metric after the last epoch. */
  end: estimate,
  /** Seeds that end far below their best: by more than a tenth of it. */
  collapsed: numbers,
  /** Best value minus that of plain on the same seed. */
  gain: estimate,
  /** To the best value of the plain run of the same seed. */
  toPlainBest: targetMetrics,
  /** Mean speed-up over every new best that plain sets after `newBestsAfter` epochs; see evaluate/scores/newBests.ts. */
  newBests: v.object({ speedup: estimate, reached: number, total: number }),
  /** Seconds of one nowcast, mean of each run. */
  secondsPerNowcast: estimate,
  /**
   * Nowcasts of all seeds by what became of them. `late` of the kept did not help; those reverted have cost `discarded` snapshots;
   * `seen` of all came before the last epoch, so that a later one could show what they did; `reasons` say why some were skipped.
   * Null for methods that do not nowcast.
   */
  nowcasts: v.nullable(
    v.object({
      kept: number,
      reverted: number,
      skipped: number,
      late: number,
      discarded: number,
      seen: number,
      reasons: v.optional(v.array(text), []),
    }),
  ),
  /** Weights that a nowcast replaces. */
  scalarsPerNowcast: numberOrNull,
  /** Seeds whose training diverged. */
  diverged: numbers,
});

/** One method on one task. */
export type MethodSummary = v.InferOutput<typeof methodSummary>;

const trial = v.object({
  learningRate: number,
  /** Factor on the step scale of a nowcaster; null: as it is. */
  stepScale: numberOrNull,
  /** Ids of its runs, in the order of the tuning seeds. */
  runs: v.array(name),
  /** Best value of the metric of each run; null where there was none. */
  bests: numbersOrNulls,
  /** Epochs of each run to the target that the best trial of plain sets; see {@link TimeScore}. */
  epochs: v.array(time),
  /** Medians over the tuning seeds, by which trials are compared. */
  best: numberOrNull,
  medianEpochs: time,
  /** A trial of which a run diverged is never chosen. */
  diverged: v.boolean(),
  chosen: v.boolean(),
});

/** One setting that was tried. */
export type Trial = v.InferOutput<typeof trial>;

const methodTuning = v.object({
  name,
  /** In the order of the learning rates. */
  trials: v.array(trial),
  /** Whether the chosen learning rate is at an end of those tried, so that a better one may lie outside. */
  edge: v.nullable(v.picklist(['lowest', 'highest'])),
});

/** What was tried for one method on one task. */
export type MethodTuning = v.InferOutput<typeof methodTuning>;

/** The schema of {@link TaskSummary}. */
export const taskSummary = v.object({
  /** Dataset and architecture with its options. Unique in the results. */
  task: text,
  metric,
  settings: v.object(taskSettings),
  seeds: numbers,
  targets: v.array(target),
  /** The baseline first, then as asked for. */
  methods: v.pipe(v.array(methodSummary), v.minLength(1)),
  /** What was tried, in the order of the methods; null: untuned. */
  tuning: v.nullable(v.array(methodTuning)),
});

/** One task. */
export type TaskSummary = v.InferOutput<typeof taskSummary>;
