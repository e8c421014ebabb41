// Compares the methods on one task, from the records of its runs. Pure; works on any subset of finished runs.

import type {
  MethodSummary,
  MethodTuning,
  RunRecord,
  TARGETS,
  Target,
  TargetMetrics,
  TargetScore,
  TaskSummary,
  Time,
  TimeRatio,
} from '../evaluation/schema.js';
import { type Metric, TRAINING_LOSS } from '../tasks/metric.js';
import { findMethod } from './methods/registry.js';
import type { PlannedMethod, PlannedTask } from './plan.js';
import { type Comparison, compare, type TimeRatio as ResampledRatio, type TargetRule } from './scores/compare.js';
import { bestOf, type Curve, epochsTo, isAsGood } from './scores/curve.js';
import { estimate } from './scores/estimate.js';
import { speedupOverNewBests } from './scores/newBests.js';
import { easierTarget, plainTarget } from './scores/target.js';

/** A run ends far below its best when its last value is worse than this share of it, as {@link easierTarget} has it. */
const COLLAPSED = 0.9;

/** Choices of {@link summarizeTask}. */
export interface SummaryOptions {
  /** Target values of the metric, in addition to those that plain sets. Default: none. */
  targets?: readonly number[];
  /** Epoch after which plain's new bests count. Default: 40% of the epochs, which is 20 of the paper's 50. */
  newBestsAfter?: number;
  /** What tuning tried for each method. Default: untuned. */
  tuning?: MethodTuning[];
}

/** A task's summary, with the comparisons that it comes from: by target, then by method. */
export interface ComparedTask {
  summary: TaskSummary;
  comparisons: Comparison[][];
}

type Records = readonly (RunRecord | null)[];

const valuesOf = (record: RunRecord | null, { name }: Metric) => record?.metrics[name] ?? [];
const bestIn = (record: RunRecord | null, metric: Metric) =>
  bestOf(valuesOf(record, metric), metric.better)?.value ?? null;

function curveOf(record: RunRecord | null, metric: Metric): Curve | null {
  if (record === null) return null;
  return { values: valuesOf(record, metric), seconds: record.seconds, diverged: record.status === 'diverged' };
}

/** A time as the files have it. */
export function timeOf(value: number | null): Time {
  if (value === Number.POSITIVE_INFINITY) return 'never';
  return value === null || Number.isNaN(value) ? null : value;
}

/** A ratio as the files have it. */
export function ratioOf({ value, interval }: Pick<ResampledRatio, 'value' | 'interval'>): TimeRatio {
  return { value: timeOf(value), interval: interval && [timeOf(interval[0]), timeOf(interval[1])] };
}

/** The targets of a task: those of {@link TARGETS}, then those that were given. */
function targetRules(metric: Metric, given: readonly number[]) {
  const plain = (sort: (typeof TARGETS)[number], of: Metric, isEasier: boolean) => {
    const targetOf = (curves: readonly Curve[]) => {
      const target = plainTarget(curves, of.better);
      return target !== null && isEasier ? easierTarget(target, of.better) : target;
    };
    return { sort, metric: of, rule: { better: of.better, targetOf } as TargetRule };
  };
  return [
    plain('validation', metric, false),
    plain('easier validation', metric, true),
    plain('training loss', TRAINING_LOSS, false),
    plain('easier training loss', TRAINING_LOSS, true),
    ...given.map((value) => {
      return { sort: 'given' as const, metric, rule: { better: metric.better, targetOf: () => value } };
    }),
  ];
}

function scoreOf({ reaches, median, ratio }: Comparison): TargetScore {
  const unit = (name: 'epochs' | 'seconds') => ({
    values: reaches.map((reach) => timeOf(reach?.[name] ?? null)),
    median: timeOf(median?.[name] ?? null),
  });
  const trained = reaches.filter((reach) => reach !== null);
  return {
    epochs: unit('epochs'),
    seconds: unit('seconds'),
    epochsRatio: ratioOf(ratio.epochs),
    secondsRatio: ratioOf(ratio.seconds),
    reached: trained.filter(({ epochs }) => Number.isFinite(epochs)).length,
    trained: trained.length,
  };
}

/** Times to the best value of the plain run of the same seed; null where that diverged or is missing. */
function toPlainBest(records: Records, plain: Records, metric: Metric): TargetMetrics {
  const timesOf = (runs: Records) =>
    runs.map((run, i) => {
      const target = bestIn(plain[i], metric);
      const epochs = target === null ? null : epochsTo(valuesOf(run, metric), target, metric.better);
      return { epochs, seconds: epochs === null ? null : run!.seconds[epochs - 1] };
    });
  const own = timesOf(records);
  const reference = timesOf(plain);
  const ratio = (a: number | null, b: number | null) => (a === null || b === null ? null : a / b);
  const epochs = estimate(own.map(({ epochs }) => epochs));
  return {
    epochs,
    seconds: estimate(own.map(({ seconds }) => seconds)),
    speedup: estimate(own.map(({ epochs }, i) => ratio(reference[i].epochs, epochs))),
    speedupSeconds: estimate(own.map(({ seconds }, i) => ratio(reference[i].seconds, seconds))),
    reached: epochs.count,
  };
}

/** Mean seconds of the nowcasts of a run that were carried out. */
function nowcastSeconds(record: RunRecord | null): number | null {
  const done = (record?.nowcasts ?? []).filter(({ outcome }) => outcome !== 'skipped');
  return done.length === 0 ? null : done.reduce((sum, { seconds }) => sum + seconds, 0) / done.length;
}

function countNowcasts(records: Records, epochs: number): MethodSummary['nowcasts'] {
  const counts = { kept: 0, reverted: 0, skipped: 0, late: 0, discarded: 0, seen: 0 };
  const reasons = new Set<string>();
  for (const record of records)
    for (const { outcome, probation, epoch, reason } of record?.nowcasts ?? []) {
      counts[outcome]++;
      if (outcome === 'skipped' && reason !== null) reasons.add(reason);
      if (outcome === 'kept' && probation?.verdict === 'late') counts.late++;
      if (outcome === 'reverted') counts.discarded += probation?.snapshots ?? 0;
      if (epoch !== null && epoch + 1 < epochs) counts.seen++;
    }
  return { ...counts, reasons: [...reasons] };
}

function summarizeMethod(
  { method, optimizer, stepScale }: PlannedMethod,
  records: Records,
  plain: Records,
  { task: { metric }, settings: { epochs } }: PlannedTask,
  newBestsAfter: number,
): Omit<MethodSummary, 'targets'> {
  const bests = records.map((record) => bestIn(record, metric));
  const ends = records.map((record) => valuesOf(record, metric).at(-1) ?? null);
  const gains = bests.map((best, i) => {
    const reference = bestIn(plain[i], metric);
    return best === null || reference === null ? null : best - reference;
  });
  const newBests = records.map((record, i) => {
    const reference = plain[i];
    if (record === null || reference === null) return null;
    const values = valuesOf(record, metric);
    return speedupOverNewBests(valuesOf(reference, metric), values, newBestsAfter, epochs, metric.better);
  });
  const isCollapsed = (end: number | null, best: number | null) =>
    end !== null && best !== null && !isAsGood(metric.better, end, easierTarget(best, metric.better, COLLAPSED));
  const scalars = records.find((record) => record?.nowcasts.length)?.nowcasts[0].scalars;
  return {
    name: method.name,
    optimizer,
    stepScale,
    best: estimate(bests),
    end: estimate(ends),
    collapsed: records.flatMap((record, i) => (record && isCollapsed(ends[i], bests[i]) ? [record.seed] : [])),
    gain: estimate(gains),
    toPlainBest: toPlainBest(records, plain, metric),
    newBests: {
      speedup: estimate(newBests.map((entry) => entry?.speedup ?? null)),
      reached: newBests.reduce((sum, entry) => sum + (entry?.reached ?? 0), 0),
      total: newBests.reduce((sum, entry) => sum + (entry?.total ?? 0), 0),
    },
    secondsPerNowcast: estimate(records.map(nowcastSeconds)),
    nowcasts: findMethod(method.type).nowcasts ? countNowcasts(records, epochs) : null,
    scalarsPerNowcast: scalars ? Object.values(scalars).reduce((sum, count) => sum + count, 0) : null,
    diverged: records.filter((record) => record?.status === 'diverged').map((record) => record!.seed),
  };
}

/**
 * Compares the methods on one task.
 *
 * @param records finished runs, by the id of their job.
 */
export function summarizeTask(
  planned: PlannedTask,
  records: ReadonlyMap<string, RunRecord>,
  options: SummaryOptions = {},
): ComparedTask {
  const { task, settings, seeds, methods } = planned;
  const { newBestsAfter = Math.round(0.4 * settings.epochs) } = options;
  const runs = methods.map(({ jobs }) => jobs.map(({ id }) => records.get(id) ?? null));
  const rules = targetRules(task.metric, options.targets ?? []);
  const comparisons = rules.map(({ metric, rule }) => {
    const curves = runs.map((own) => own.map((record) => curveOf(record, metric)));
    return curves.map((own) => compare(curves[0], own, rule, task.name));
  });
  const targets = rules.map(({ sort, metric }, t): Target => {
    const [{ target, reaches }] = comparisons[t];
    const missed = seeds.filter((_, i) => reaches[i]?.epochs === Number.POSITIVE_INFINITY);
    return { sort, metric, value: target, missedByPlain: missed };
  });
  // A diverged plain training is nothing to compare with, seed by seed.
  const plain = runs[0].map((record) => (record?.status === 'diverged' ? null : record));
  const summaries = methods.map((method, m): MethodSummary => {
    const scores = comparisons.map((ofTarget) => scoreOf(ofTarget[m]));
    return { ...summarizeMethod(method, runs[m], plain, planned, newBestsAfter), targets: scores };
  });
  return {
    summary: {
      task: task.name,
      metric: task.metric,
      settings,
      seeds,
      targets,
      methods: summaries,
      tuning: options.tuning ?? null,
    },
    comparisons,
  };
}
