// The evaluate stage: with and without a nowcaster, and what else could extrapolate weights.

export {
  type EvaluateOptions,
  type EvaluateResult,
  type EvaluationForecasts,
  type EvaluationResults,
  evaluate,
  FORECASTS_NAME,
  RESULTS_NAME,
} from './evaluate.js';
export type { ForecastErrors, ForecastExamples } from './forecastErrors.js';
export { BASELINE_NAMES, baselineMethod, introspectionMethod, type Method, nowcasterMethod } from './methods.js';
export type { EvaluationJob, RunRecord } from './runRecord.js';
export type { Estimate } from './statistics.js';
export type { MethodSummary, TargetFigures, TaskSummary } from './summary.js';
export { formatEstimate, statements, TABLE_HEADER, tableRows } from './table.js';
