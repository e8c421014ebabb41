// Runs with known curves and metrics.

import type { Nowcast } from '../../src/callback/nowcast.js';
import { compareOverall } from '../../src/evaluate/overall.js';
import { jobsOf, type PlannedTask } from '../../src/evaluate/plan.js';
import { type SummaryOptions, summarizeTask } from '../../src/evaluate/summary.js';
import {
  EVALUATION_SCHEMA_VERSION,
  type EvaluationJob,
  type EvaluationResults,
  type Method,
  type RunRecord,
} from '../../src/evaluation/schema.js';
import { planTasks } from './planJobs.js';

export const OURS: Method = { type: 'nowcaster', name: 'ours', directory: '/nowhere', contentHash: 'abc' };

/** The plan of an evaluation of three methods: plain, linear and ours. */
export function syntheticPlan(seeds: number[], epochs: number, tasks = ['mnist/lenet']): PlannedTask[] {
  return planTasks({
    tasks,
    seeds,
    methods: [{ type: 'linear', name: 'linear' }, OURS],
    epochs,
    batchSize: 32,
    optimizer: { name: 'adam', learningRate: 0.001 },
    engine: 'wasm',
  });
}

/** Its jobs. */
export function syntheticJobs(seeds: number[], epochs: number, tasks?: string[]): EvaluationJob[] {
  return jobsOf(syntheticPlan(seeds, epochs, tasks));
}

/** Records of every job of a plan, by their id, made by a function; null: not finished. */
export function syntheticRecords(
  plan: readonly PlannedTask[],
  make: (job: EvaluationJob) => RunRecord | null,
): Map<string, RunRecord> {
  return new Map(
    jobsOf(plan)
      .flatMap((job) => make(job) ?? [])
      .map((record) => [record.id, record]),
  );
}

/** The results of a plan, as evaluate writes them, without forecast errors. */
export function syntheticResults(
  plan: readonly PlannedTask[],
  records: ReadonlyMap<string, RunRecord>,
  options: SummaryOptions = {},
): EvaluationResults {
  const compared = plan.map((planned) => summarizeTask(planned, records, options));
  const methods = plan[0].methods.map(({ method }, m) => {
    return { ...method, about: { sentence: `what ${method.name} is`, command: method.name, baseline: m === 0 } };
  });
  return {
    schemaVersion: EVALUATION_SCHEMA_VERSION,
    toolkitVersion: '0.0.0',
    settings: {
      suite: null,
      seeds: plan[0].seeds,
      tuning: options.tuning ? { trials: 3, seeds: [1_000_001], stepScale: false } : null,
      engine: 'wasm',
      alone: false,
      targets: [...(options.targets ?? [])],
      newBestsAfter: options.newBestsAfter ?? null,
    },
    methods,
    methodModules: [],
    tasks: compared.map(({ summary }) => ({ ...summary, forecastErrors: [] })),
    missingTasks: [],
    overall: compareOverall(compared),
    runs: [...records.keys()],
    trials: [],
  };
}

/** A nowcast that was kept, unless told otherwise. */
export function syntheticNowcast(epoch: number, rest: Partial<Nowcast> = {}): Nowcast {
  const made: Nowcast = {
    snapshot: epoch,
    epoch,
    outcome: 'kept',
    reason: null,
    scalars: { conv: 1, fc: 1, bias: 1 },
    seconds: 0.1,
    stepScale: 1,
    probation: null,
  };
  return { ...made, ...rest };
}

/** A finished run with the given validation accuracies, whose every epoch took `secondsPerEpoch`. */
export function syntheticRecord(
  job: EvaluationJob,
  accuracies: (number | null)[],
  secondsPerEpoch = 1,
  rest: Partial<RunRecord> = {},
): RunRecord {
  return {
    schemaVersion: EVALUATION_SCHEMA_VERSION,
    toolkitVersion: '0.0.0',
    ...job,
    engineDescription: 'none',
    status: 'complete',
    metrics: {
      loss: accuracies.map((value) => (value === null ? null : 1 - value)),
      acc: accuracies,
      val_loss: accuracies.map((value) => (value === null ? null : 1.1 - value)),
      val_acc: accuracies,
    },
    seconds: accuracies.map((_, i) => (i + 1) * secondsPerEpoch),
    nowcasts: [],
    ...rest,
  };
}
