// The evaluate stage: compares trainings with and without nowcasters and other methods of weight extrapolation.

export { headline } from '../evaluation/headline.js';
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
  type MethodTuning,
  type Overall,
  RESULTS_NAME,
  type RunRecord,
  type Target,
  type TargetMetrics,
  type TargetScore,
  type TaskSummary,
  type Time,
  type TimeRatio,
  type TimeScore,
  type Trial,
} from '../evaluation/schema.js';
export {
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
export { loadMethodModules, methodWords, parseMethod, type SettingGroup, settingGroups } from './methods/registry.js';
export {
  choiceSetting,
  flagSetting,
  type MethodSetting,
  type MethodSettings,
  numberSetting,
  type SettingValue,
} from './methods/setting.js';
export type { EvaluateOptions, TuneOptions } from './options.js';
