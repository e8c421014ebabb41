// Periodic forecasting without a network: along the change of the weights' mean.

import { UsageError } from '../errors.js';
import { DEFAULT_KINDS, TRAINED_KINDS } from '../nowcaster/spec.js';
import { NUMBER, type OptionTypes, requireOptions } from '../optionTypes.js';
import type { SnapshotCadence } from '../trajectory/cadence.js';
import type { Forecaster } from './forecaster.js';
import { requireFrom } from './loopOptions.js';
import { FORECASTING_OPTIONS, type ForecastingOptions, PeriodicForecasting } from './periodicForecasting.js';

/** How {@link MeanLinearForecasting} forecasts. */
export interface MeanLinearSettings {
  /** Snapshots that a mean is of, from 1. Default 8. */
  averaged?: number;
  /** Means, one behind the other, whose change from the first to the last is gone along; from 2. Default 2. */
  window?: number;
  /** Snapshots to go along it, above 0. Default: four times as many as a mean is of. */
  horizon?: number;
}

/** Options of {@link MeanLinearForecasting}. */
export interface MeanLinearOptions extends ForecastingOptions, MeanLinearSettings {}

/** The types of {@link MeanLinearSettings}. */
const MEAN_LINEAR_SETTINGS: OptionTypes<MeanLinearSettings> = {
  averaged: NUMBER,
  window: NUMBER,
  horizon: NUMBER,
};

/** The types of {@link MeanLinearOptions}. */
const MEAN_LINEAR_OPTIONS: OptionTypes<MeanLinearOptions> = {
  ...FORECASTING_OPTIONS,
  ...MEAN_LINEAR_SETTINGS,
};

/** When {@link MeanLinearForecasting} takes snapshots, unless told otherwise. */
export const MEAN_LINEAR_CADENCE: Readonly<SnapshotCadence> = { unit: 'step', every: 10 };

/** Means that the default period spans. */
const PERIOD_MEANS = 5;
/** Means that the default horizon spans. */
const HORIZON_MEANS = 4;

/**
 * A forecaster that needs no training: from the mean m of the last snapshots it goes on by
 * `horizon * (m - m0) / (averaged * (window - 1))`, m0 being the first mean of the window.
 *
 * @throws {@link UsageError} for impossible settings.
 */
export function createMeanLinearForecaster(settings: MeanLinearSettings = {}): Forecaster {
  requireOptions('createMeanLinearForecaster', settings, MEAN_LINEAR_SETTINGS);
  const { averaged = 8, window = 2, horizon = HORIZON_MEANS * averaged } = settings;
  requireFrom('averaged', averaged, 1);
  requireFrom('window', window, 2);
  if (!(horizon > 0 && Number.isFinite(horizon)))
    throw new UsageError({
      what: 'the horizon must be above 0',
      where: `horizon ${horizon}`,
      remedy: `give e.g. ${HORIZON_MEANS * averaged}`,
    });
  const means = horizon / (averaged * (window - 1));
  return {
    windowLength: window,
    averaged,
    cadence: MEAN_LINEAR_CADENCE,
    trained: false,
    recommended: { period: PERIOD_MEANS * averaged, start: window * averaged - 1, stepScale: 1 },
    kinds: TRAINED_KINDS,
    defaultKinds: DEFAULT_KINDS,
    async forecast({ snapshots }, out) {
      const [first, last] = [snapshots[0], snapshots[window - 1]];
      for (let i = 0; i < out.length; i++) out[i] = last[i] + means * (last[i] - first[i]);
    },
    async dispose() {},
  };
}

/**
 * Replaces a network's weights once a period by where the mean of their last snapshots is heading. No nowcaster is needed;
 * memory for `window` + 1 copies of the weights is.
 *
 * ```js
 * await model.fit(x, y, { epochs: 50, callbacks: [new MeanLinearForecasting({ cadence: { unit: 'step', every: 50 } })] });
 * ```
 *
 * By default a snapshot is taken every 10 steps, a mean is of 8 of them, a jump happens every 40, and goes as far as the mean
 * would move in 32: with 80 steps an epoch, every 5 epochs 4 epochs ahead. Choose the cadence so that 8 snapshots are about
 * an epoch.
 */
export class MeanLinearForecasting extends PeriodicForecasting {
  /** @throws UsageError for impossible settings, e.g. a period that is no multiple of `averaged`. */
  constructor(options: MeanLinearOptions = {}) {
    requireOptions('MeanLinearForecasting', options, MEAN_LINEAR_OPTIONS);
    const { averaged, window, horizon, ...forecasting } = options;
    super(createMeanLinearForecaster({ averaged, window, horizon }), forecasting);
  }
}
