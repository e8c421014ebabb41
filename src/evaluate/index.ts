// The evaluate stage: compares trainings with and without nowcasters and other methods of weight extrapolation.

export {
  type DescribedMethod,
  type Estimate,
  type EvaluationForecasts,
  type EvaluationJob,
  type EvaluationResults,
  FORECASTS_NAME,
  type ForecastErrors,
  type ForecastExamples,
  type Method,
  type MethodDescription,
  type MethodSummary,
  RESULTS_NAME,
  type RunRecord,
  type TargetMetrics,
  type TaskSummary,
} from '../evaluation/schema.js';
export { formatEstimate, statements, TABLE_HEADER, tableRows } from '../evaluation/table.js';
export {
  type EvaluateOptions,
  type EvaluateResult,
  type EvaluateShardResult,
  evaluate,
  evaluateShard,
} from './evaluate.js';
export type {
  MethodDefinition,
  MethodForecaster,
  MethodTraining,
  PrepareContext,
  TrainingContext,
} from './methods/definition.js';
export { loadMethodModules, methodWords, parseMethod, settingLines } from './methods/registry.js';
export {
  choiceSetting,
  flagSetting,
  type MethodSetting,
  type MethodSettings,
  numberSetting,
  type SettingValue,
} from './methods/setting.js';
