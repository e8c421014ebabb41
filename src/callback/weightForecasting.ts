// The callback that users give to `fit`: periodic forecasting by a trained nowcaster.

import { UsageError } from '../errors.js';
import type { ForecastOptions } from '../nowcaster/forecast.js';
import { readNowcaster } from '../nowcaster/nowcaster.js';
import { FUNCTION, type OptionTypes, oneOf, requireOptions, showValue } from '../optionTypes.js';
import {
  type ComputeFactory,
  createNowcasterForecaster,
  HORIZON,
  type HorizonChoice,
  type NowcasterNetworks,
} from './forecaster.js';
import { FORECASTING_OPTIONS, type ForecastingOptions, PeriodicForecasting } from './periodicForecasting.js';
import { FETCH_PLATFORM, type Platform } from './platform.js';

/** Options of {@link WeightForecasting}. */
export interface WeightForecastingOptions extends ForecastingOptions {
  /**
   * Snapshots ahead to jump: one of the nowcaster's horizons; a list of them, each for an equal part of the training (of known length),
   * e.g. `[20, 10, 5]`; or a function that chooses one by the snapshot (from 0). Default: its farthest, 5 for the paper's networks.
   */
  horizon?: HorizonChoice;
  /** `published` reproduces the published callback's fault on biases, for comparisons. Default `normal`. */
  bias?: ForecastOptions['bias'];
  /**
   * Makes what runs the networks. Default: the fused kernels, in Node on all cores; give {@link createDefaultCompute}
   * where several trainings share a machine.
   */
  compute?: ComputeFactory;
}

/** The types of {@link WeightForecastingOptions}. */
const WEIGHT_FORECASTING_OPTIONS: OptionTypes<WeightForecastingOptions> = {
  ...FORECASTING_OPTIONS,
  horizon: HORIZON,
  bias: oneOf('normal', 'published'),
  compute: FUNCTION,
};

/**
 * Replaces, at the end of every fifth epoch, a model's weights by what a nowcaster says they will be five epochs later
 * (Jang et al., ICML 2023). The optimizer's state is untouched.
 *
 * ```js
 * await model.fit(x, y, { epochs: 50, callbacks: [await WeightForecasting.load('weights/mine')] });
 * ```
 *
 * Kernels are forecast by rank (3 and more `conv`, 2 `fc`), one-dimensional tensors by `bias`; layers that are frozen,
 * normalize, embed, or hold more than three arrays are left alone.
 */
export class WeightForecasting extends PeriodicForecasting {
  /**
   * Where the class runs; set by the package's entries for Node and for browsers.
   *
   * @internal
   */
  static platform: Platform = FETCH_PLATFORM;

  /**
   * @param nowcaster the networks, e.g. of readNowcaster.
   * @throws MismatchError when the nowcaster has no such horizon; UsageError for an option that does
   * not exist, and an impossible period, start epoch or step scale.
   */
  constructor(nowcaster: NowcasterNetworks, options: WeightForecastingOptions = {}) {
    if (typeof (nowcaster as Partial<NowcasterNetworks> | null | undefined)?.spec !== 'object')
      throw new UsageError({
        what: 'WeightForecasting is made from a nowcaster',
        where: showValue(nowcaster),
        remedy: 'call `await WeightForecasting.load()` for the one that ships, `load(DIRECTORY)` for another',
      });
    requireOptions('WeightForecasting', options, WEIGHT_FORECASTING_OPTIONS);
    const { horizon, bias, compute: chosen, ...forecasting } = options;
    const compute = chosen ?? ((spec) => WeightForecasting.platform.createCompute(spec, forecasting.onNote));
    super(createNowcasterForecaster(nowcaster, compute, { horizon, bias }), forecasting);
  }

  /**
   * Loads a nowcaster directory (`nowcaster.json` and `tfjs/`).
   *
   * @param location address of the directory; in Node also its path. Default: the nowcaster that ships with the toolkit.
   * @throws MissingFileError, CorruptFileError, SchemaVersionError or MismatchError that name the file.
   */
  static async load(location?: string | URL, options: WeightForecastingOptions = {}): Promise<WeightForecasting> {
    if (location !== undefined && typeof location !== 'string' && !(location instanceof URL))
      throw new UsageError({
        what: 'the first argument of load is the address of a nowcaster directory',
        where: showValue(location),
        remedy: 'options are the second: load(undefined, { ... }) for the one that ships',
      });
    requireOptions('WeightForecasting', options, WEIGHT_FORECASTING_OPTIONS);
    const { loadShipped, sourceOf } = WeightForecasting.platform;
    const networks =
      location === undefined ? await loadShipped() : await readNowcaster(sourceOf(location), String(location));
    return new WeightForecasting(networks, options);
  }
}
