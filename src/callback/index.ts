// The callback without regard to where it runs: what packages that `wnn export` makes import. browser.ts and node.ts add
// what `import { WeightForecasting } from 'weight-nowcaster/callback'` has in each place.

export { createDefaultCompute } from '../compute/defaultCompute.js';
export type { Loss, NetworkCompute } from '../network/compute.js';
// Registers the layer, so that tf.loadLayersModel opens a nowcaster's model.json.
export { ExpLayer } from '../network/expLayer.js';
export type { NowcasterSpec } from '../network/spec.js';
export { type Nowcaster, type NowcasterSource, readNowcaster } from '../nowcaster/nowcaster.js';
export type { Recommendation } from '../nowcaster/recommendation.js';
export type { TrainedKind } from '../nowcaster/spec.js';
export { AveragedWeights } from './averagedWeights.js';
export { AVERAGES, type AverageDefinition, type AverageState, type NetworkWeights } from './averages/index.js';
export type { AverageChoice, AveragedWeightsOptions, AveragedWeightsState } from './averages/options.js';
export { type BatchInputs, estimateBatchNorm, type InputBatches } from './batchNormStatistics.js';
export {
  type ComputeFactory,
  createNowcasterForecaster,
  type Forecaster,
  groupByKind,
  type HorizonChoice,
  type KindGroup,
  type NowcasterNetworks,
  type SnapshotHistory,
} from './forecaster.js';
export type { LoopOptions, SnapshotCount } from './loopOptions.js';
export {
  createMeanLinearForecaster,
  MeanLinearForecasting,
  type MeanLinearOptions,
  type MeanLinearSettings,
} from './meanLinear.js';
export type { Nowcast, Probation } from './nowcast.js';
export type { NowcastState } from './nowcastState.js';
export {
  type ForecastingOptions,
  PeriodicForecasting,
  type StepOptions,
  type TrainingLoss,
} from './periodicForecasting.js';
export type { InputDataset, Recalibration } from './recalibration.js';
export { fetchSource } from './source.js';
export type { AdaptiveStepScale, StepScaleDecay } from './stepScale.js';
export { accessModel, type TrackedTensorsOptions } from './trackedTensors.js';
export type { TrainedNetwork } from './trainedNetwork.js';
export type { Judgment } from './watch.js';
export { accessVariables, type TrackedTensor, type WeightAccess } from './weightAccess.js';
export { WeightForecasting, type WeightForecastingOptions } from './weightForecasting.js';
