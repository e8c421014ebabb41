// How numbers of an evaluation are written, for terminal and page alike.

import type { Estimate, MethodSummary, Time, TimeRatio } from './schema.js';

/** `mean ± sd`, or the mean alone of a single seed; `none` without a value. */
export function formatEstimate({ mean, sd }: Estimate, digits: number): string {
  if (mean === null) return 'none';
  return sd === null ? mean.toFixed(digits) : `${mean.toFixed(digits)} ± ${sd.toFixed(digits)}`;
}

/** Epochs or seconds to a target: a number, `never`, or `-` where there is nothing to measure. */
export function formatTime(time: Time, digits = 0): string {
  if (time === null) return '-';
  if (time === 'never') return 'never';
  return Number.isInteger(time) ? String(time) : time.toFixed(Math.max(1, digits));
}

/** A quotient of times: two digits, `infinite`, or `-`. */
export function formatRatio(ratio: Time): string {
  if (ratio === null) return '-';
  return ratio === 'never' ? 'infinite' : ratio.toFixed(2);
}

/** The interval of a quotient: `0.62 to 0.83`, or `-`. */
export function formatInterval({ interval }: TimeRatio): string {
  return interval === null ? '-' : `${formatRatio(interval[0])} to ${formatRatio(interval[1])}`;
}

/** A value of a metric: four digits up to ten, else two. */
export function formatMetric(value: number): string {
  return value.toFixed(Math.abs(value) < 10 ? 4 : 2);
}

/** The mean of a metric over seeds, with its deviation. */
export function formatMetricEstimate(estimate: Estimate): string {
  return formatEstimate(estimate, estimate.mean !== null && Math.abs(estimate.mean) >= 10 ? 2 : 4);
}

/** The setting that a method was trained with: `0.00316`, `0.00316, step scale x0.5`. */
export function formatSetting({ optimizer, stepScale }: Pick<MethodSummary, 'optimizer' | 'stepScale'>): string {
  const scale = stepScale === null || stepScale === 1 ? '' : `, step scale ×${stepScale}`;
  return `${optimizer.learningRate}${scale}`;
}
