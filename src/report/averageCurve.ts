// The curve of a metric over the seeds of one method.

import type { RunRecord } from '../evaluation/schema.js';

/** A method's runs at one epoch. */
export interface CurvePoint {
  /** From 1. */
  epoch: number;
  /** Mean over the seeds, from the start of training. */
  seconds: number;
  mean: number;
  low: number;
  high: number;
}

const mean = (values: readonly number[]) => values.reduce((sum, value) => sum + value, 0) / values.length;

/** Mean, least and greatest over the runs that have a value, epoch by epoch. */
export function averageCurve(runs: readonly RunRecord[], metric: string): CurvePoint[] {
  const points: CurvePoint[] = [];
  const epochs = Math.max(0, ...runs.map(({ metrics }) => metrics[metric]?.length ?? 0));
  for (let i = 0; i < epochs; i++) {
    const present = runs.filter(({ metrics }) => metrics[metric]?.[i] != null);
    if (present.length === 0) continue;
    const values = present.map(({ metrics }) => metrics[metric][i] as number);
    points.push({
      epoch: i + 1,
      seconds: mean(present.map(({ seconds }) => seconds[i])),
      mean: mean(values),
      low: Math.min(...values),
      high: Math.max(...values),
    });
  }
  return points;
}
