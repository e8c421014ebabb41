// Computes the metrics that compare the methods from the runs of an evaluation. Pure; works on any subset of finished runs.

import {
  type EvaluationJob,
  METRIC,
  type Method,
  type MethodSummary,
  type RunRecord,
  type TargetMetrics,
  type TaskSummary,
} from '../evaluation/schema.js';
import { findMethod } from './methods/registry.js';
import { bestOf, epochsTo, estimate, speedupOverNewBests } from './statistics.js';

/** Choices of {@link summarize}. */
export interface SummaryOptions {
  /** Target values of the metric, in addition to plain's best. Default: none. */
  targets?: readonly number[];
  /** Epoch after which plain's new bests count. Default: 40% of the epochs, which is 20 of the paper's 50. */
  newBestsAfter?: number;
}

const metricOf = (record: RunRecord | null) => record?.metrics[METRIC] ?? [];

/** Metrics for one target per seed; null where plain has none. */
function targetMetrics(
  records: readonly (RunRecord | null)[],
  plain: readonly (RunRecord | null)[],
  targets: readonly (number | null)[],
): TargetMetrics {
  const needed = (runs: readonly (RunRecord | null)[]) =>
    runs.map((run, i) => {
      const target = targets[i];
      const epochs = target === null ? null : epochsTo(metricOf(run), target);
      return { epochs, seconds: epochs === null ? null : run!.seconds[epochs - 1] };
    });
  const own = needed(records);
  const reference = needed(plain);
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

function summarizeMethod(
  { name, type }: Method,
  records: readonly (RunRecord | null)[],
  plain: readonly (RunRecord | null)[],
  epochs: number,
  { targets = [], newBestsAfter = Math.round(0.4 * epochs) }: SummaryOptions,
): MethodSummary {
  const bests = records.map((record) => bestOf(metricOf(record))?.value ?? null);
  const plainBests = plain.map((record) => bestOf(metricOf(record))?.value ?? null);
  const newBests = records.map((record, i) =>
    record && plain[i] ? speedupOverNewBests(metricOf(plain[i]), metricOf(record), newBestsAfter, epochs) : null,
  );
  const nowcasts = { kept: 0, reverted: 0, skipped: 0, late: 0, discarded: 0, seen: 0 };
  for (const record of records)
    for (const { outcome, probation, epoch } of record?.nowcasts ?? []) {
      nowcasts[outcome]++;
      if (outcome === 'kept' && probation?.verdict === 'late') nowcasts.late++;
      if (outcome === 'reverted') nowcasts.discarded += probation?.snapshots ?? 0;
      if (epoch !== null && epoch + 1 < epochs) nowcasts.seen++;
    }
  const scalars = records.find((record) => record?.nowcasts.length)?.nowcasts[0].scalars;
  return {
    name,
    best: estimate(bests),
    gain: estimate(bests.map((best, i) => (best === null || plainBests[i] === null ? null : best - plainBests[i]))),
    toPlainBest: targetMetrics(records, plain, plainBests),
    toTargets: targets.map((target) => ({
      target,
      ...targetMetrics(
        records,
        plain,
        records.map(() => target),
      ),
    })),
    newBests: {
      speedup: estimate(newBests.map((entry) => entry?.speedup ?? null)),
      reached: newBests.reduce((sum, entry) => sum + (entry?.reached ?? 0), 0),
      total: newBests.reduce((sum, entry) => sum + (entry?.total ?? 0), 0),
    },
    secondsPerNowcast: estimate(records.map(nowcastSeconds)),
    nowcasts: findMethod(type).nowcasts ? nowcasts : null,
    scalarsPerNowcast: scalars ? Object.values(scalars).reduce((sum, count) => sum + count, 0) : null,
    diverged: records.filter((record) => record?.status === 'diverged').map((record) => record!.seed),
  };
}

/**
 * Compares the methods of an evaluation, task by task.
 *
 * @param jobs all planned jobs, the baseline's first.
 * @param records the finished ones, by the id of their job.
 */
export function summarize(
  jobs: readonly EvaluationJob[],
  records: ReadonlyMap<string, RunRecord>,
  options: SummaryOptions = {},
): TaskSummary[] {
  const distinct = <T>(values: readonly T[]) => [...new Set(values)];
  return distinct(jobs.map(({ task }) => task)).map((task) => {
    const ofTask = jobs.filter((job) => job.task === task);
    const seeds = distinct(ofTask.map(({ seed }) => seed));
    const runsOf = ({ name }: Method) =>
      seeds.map((seed) => {
        const job = ofTask.find((candidate) => candidate.method.name === name && candidate.seed === seed);
        return (job && records.get(job.id)) ?? null;
      });
    // A diverged plain training sets no target.
    const methods = ofTask.filter(({ seed }) => seed === seeds[0]).map(({ method }) => method);
    const plain = runsOf(methods[0]).map((record) => (record?.status === 'diverged' ? null : record));
    const summaries = methods.map((method) =>
      summarizeMethod(method, runsOf(method), plain, ofTask[0].epochs, options),
    );
    return { task, seeds, methods: summaries };
  });
}
