// Runs with known curves and metrics.

import { planJobs } from '../../src/evaluate/plan.js';
import {
  EVALUATION_SCHEMA_VERSION,
  type EvaluationJob,
  type Method,
  type RunRecord,
} from '../../src/evaluation/schema.js';

export const OURS: Method = { type: 'nowcaster', name: 'ours', directory: '/nowhere', contentHash: 'abc' };

/** The jobs of an evaluation of three methods: plain, linear and ours. */
export function syntheticJobs(seeds: number[], epochs: number, tasks = ['mnist/lenet']): EvaluationJob[] {
  return planJobs({
    tasks,
    seeds,
    methods: [{ type: 'linear', name: 'linear' }, OURS],
    epochs,
    batchSize: 32,
    optimizer: { name: 'adam', learningRate: 0.001 },
    engine: 'wasm',
  });
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
