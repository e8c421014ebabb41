// The callback without regard to where it runs: what packages that `wnn export` makes import. browser.ts and node.ts add
// what `import { WeightForecasting } from 'weight-nowcaster/callback'` has in each place.

export type { Loss, WnnCompute } from '../nowcaster/compute.js';
// Registers the layer, so that tf.loadLayersModel opens a nowcaster's model.json.
export { ExpLayer } from '../nowcaster/expLayer.js';
export { type Nowcaster, type NowcasterSource, readNowcaster } from '../nowcaster/nowcaster.js';
export type { TrainedKind, WnnSpec } from '../nowcaster/spec.js';
export { createDefaultCompute } from './defaultCompute.js';
export {
  type ComputeFactory,
  createNowcasterForecaster,
  type Forecaster,
  type HorizonChoice,
  type NowcasterNetworks,
} from './forecaster.js';
export type { GuardBatch } from './guard.js';
export type { Nowcast } from './nowcast.js';
export { type ForecastingOptions, PeriodicForecasting } from './periodicForecasting.js';
export { fetchSource } from './source.js';
export { TrackedTensors, type TrackedTensorsOptions } from './trackedTensors.js';
export { WeightForecasting, type WeightForecastingOptions } from './weightForecasting.js';
