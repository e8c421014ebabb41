// Evaluations with known runs in directories as `wnn evaluate` leaves them.

import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { writeRunRecord } from '../../src/evaluation/files.js';
import {
  EVALUATION_SCHEMA_VERSION,
  type EvaluationForecasts,
  type EvaluationJob,
  type EvaluationResults,
  type ForecastErrors,
  type ForecastExamples,
  type MethodTuning,
  type RunRecord,
} from '../../src/evaluation/schema.js';
import { OURS, syntheticPlan, syntheticRecord, syntheticRecords, syntheticResults } from '../evaluate/syntheticRuns.js';

/** What tuning tried for each method: three rates, of which the highest is chosen. */
const TUNING: MethodTuning[] = ['plain', 'linear', 'ours'].map((name, m) => ({
  name,
  trials: [1e-4, 1e-3, 1e-2].map((learningRate, i) => ({
    learningRate,
    stepScale: null,
    runs: [],
    bests: [0.5 + i / 10 + m / 100],
    epochs: [i === 2 ? 15 - m : 'never'],
    best: 0.5 + i / 10 + m / 100,
    medianEpochs: i === 2 ? 15 - m : 'never',
    diverged: false,
    chosen: i === 2,
  })),
  edge: 'highest',
}));

/** Choices of {@link writeEvaluation}. */
export interface EvaluationChoices {
  /** Of all runs. Default 20. */
  epochs?: number;
  /** Default: one. */
  tasks?: string[];
  tuned?: boolean;
}

/** Writes an evaluation as `wnn evaluate` does, with runs of known metrics. */
export function writeEvaluation(
  out: string,
  seeds: number[],
  make: (job: EvaluationJob) => RunRecord | null,
  { epochs = 20, tasks = ['mnist/lenet'], tuned = false }: EvaluationChoices = {},
): void {
  const plan = syntheticPlan(seeds, epochs, tasks);
  const records = syntheticRecords(plan, make);
  for (const record of records.values()) writeRunRecord(out, record);
  const errors: ForecastErrors[] = ['no change', 'linear', 'ours'].map((method, m) => ({
    method,
    kind: 'conv',
    horizon: 5,
    epochs: [4, 5, 6],
    byEpoch: [0.5 - 0.1 * m, 0.45 - 0.1 * m, null],
    mean: 0.5,
    windows: 30,
  }));
  const examples: ForecastExamples[] = [
    {
      kind: 'conv',
      epochs: [4, 5, 6, 7],
      windows: [4, 5, 6, 7].map((e) => [0, 0.1, 0.2, 0.3, e / 14]),
      residuals: [4, 5, 6, 7].map((e) => [0.1, 0.2, 0.3, 0.3, e / 20]),
      forecasts: ['linear', 'ours'].map((method, m) => ({
        method,
        horizon: 5,
        residuals: [0.1, 0.2, 0.3, 0.4 + m / 10],
      })),
    },
  ];
  const heldOut = { conv: { noChange: 0.6, linear: 0.5, own: 0.3 } };
  const made = syntheticResults(plan, records, {
    targets: [0.5],
    newBestsAfter: 8,
    ...(tuned ? { tuning: TUNING } : {}),
  });
  const results = {
    ...made,
    methods: [
      { type: 'plain', name: 'plain', about: { sentence: 'as it is', command: 'plain', baseline: true } },
      { type: 'linear', name: 'linear', about: { sentence: 'a line', command: 'linear', baseline: false } },
      {
        ...OURS,
        directory: '/home/someone/no where',
        about: {
          sentence: 'nowcaster /home/someone/no where, every 3 epochs',
          command: 'nowcaster:ours=/home/someone/no where',
          baseline: false,
          training: 'trained on 1 runs',
          heldOut,
        },
      },
    ],
    tasks: made.tasks.map((task) => ({ ...task, forecastErrors: errors })),
  } satisfies EvaluationResults;
  mkdirSync(out, { recursive: true });
  writeFileSync(join(out, 'results.json'), JSON.stringify(results));
  const forecasts: EvaluationForecasts = {
    schemaVersion: EVALUATION_SCHEMA_VERSION,
    tasks: tasks.map((task) => ({ task, examples })),
  };
  writeFileSync(join(out, 'forecasts.json'), JSON.stringify(forecasts));
}

/** An accuracy that rises by a step each epoch, to 0.95. */
export const rising = (epochs: number, step: number) =>
  Array.from({ length: epochs }, (_, i) => Math.min(0.95, step * (i + 1)));
/** Runs of which ours is twice as fast as plain, and nowcasts once. */
export function makeGoodRun(job: EvaluationJob): RunRecord {
  const kept = {
    snapshot: 4,
    epoch: 4,
    outcome: 'kept',
    reason: null,
    scalars: { conv: 1, fc: 1, bias: 1 },
    seconds: 0.1,
  } as const;
  const nowcasts = [{ ...kept, stepScale: 1, probation: null }];
  if (job.method.name === 'ours') return syntheticRecord(job, rising(20, 0.08 + job.seed / 100), 1, { nowcasts });
  return syntheticRecord(job, rising(20, 0.04 + job.seed / 1000));
}
