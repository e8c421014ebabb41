// The toolkit as a library in Node: the callback, every stage, the whole pipeline, and the errors that they throw. In a
// browser the package's root is the callback alone. What spreads jobs over machines is `weight-nowcaster/fleet`.

export {
  AveragedWeights,
  type AveragedWeightsOptions,
  createDefaultCompute,
  estimateBatchNorm,
  type ForecastingOptions,
  loadNowcaster,
  MeanLinearForecasting,
  type MeanLinearOptions,
  type Nowcast,
  PeriodicForecasting,
  WeightForecasting,
  type WeightForecastingOptions,
} from './callback/node.js';
export {
  type CollectOptions,
  type CollectResult,
  collect,
  type ImportOptions,
  type ImportResult,
  importCheckpoints,
  TrajectoryRecorder,
  type TrajectoryRecorderOptions,
} from './collect/index.js';
export { buildDataset, type DatasetOptions, type DatasetResult } from './dataset/index.js';
export { type Engine, type EngineName, type EngineRequest, openEngine, surveyEngines } from './engine/index.js';
export * from './errors.js';
export { type EvaluateOptions, type EvaluateResult, evaluate } from './evaluate/index.js';
export { type ExportOptions, type ExportResult, exportNowcaster, exportPackage } from './export/index.js';
export type { Family } from './families/family.js';
export { registerFamily } from './families/index.js';
export { type JobExecutor, processExecutor } from './jobs/index.js';
export type { NowcasterSpec } from './network/spec.js';
export type { Nowcaster } from './nowcaster/nowcaster.js';
export { PAPER_SPEC, type TrainedKind } from './nowcaster/spec.js';
export { type PipelineOptions, type PipelineResult, runPipeline } from './pipeline/index.js';
export type { NoteListener, ProgressEvent, ProgressListener } from './progress.js';
export { type ReportOptions, type ReportResult, writeReport } from './report/index.js';
export { type TrainOptions, type TrainResult, trainNowcaster } from './train/index.js';
export { readPositions } from './trajectory/positions.js';
export { listRuns, readManifest, readMetrics, readSnapshots, readStatistics } from './trajectory/runReader.js';
export { TOOLKIT_VERSION } from './version.js';
