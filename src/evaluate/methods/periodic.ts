// Methods that periodically replace weights by a forecast from their last snapshots.

import { type ForecastingOptions, PeriodicForecasting } from '../../callback/index.js';
import type { Method } from '../../evaluation/schema.js';
import type { MethodDefinition, MethodForecaster } from './definition.js';
import { optionsOfSettings, type PeriodicSettings } from './periodicSettings.js';

/** The parts of a definition that follow from its callback. Its settings include those of PERIODIC_SETTINGS. */
export function nowcastingMethod<M extends Method, S extends PeriodicSettings>(
  createCallback: (method: M & S, options: ForecastingOptions) => PeriodicForecasting | Promise<PeriodicForecasting>,
): Required<Pick<MethodDefinition<M, S>, 'nowcasts' | 'prepare' | 'train'>> {
  return {
    nowcasts: true,
    // Settings that contradict one another or the forecaster are to be found before anything is trained.
    async prepare(method) {
      const callback = await createCallback(
        method,
        optionsOfSettings(method, () => []),
      );
      await callback.dispose();
    },
    async train(method, { batches }) {
      const callback = await createCallback(method, { ...optionsOfSettings(method, batches), onNote: () => {} });
      return { callback, nowcasts: () => callback.history, dispose: () => callback.dispose() };
    },
  };
}

/** The parts of a definition that follow from its forecaster, whose forecasts are measured too. */
export function periodicMethod<M extends Method, S extends PeriodicSettings>(
  forecaster: (method: M & S) => Promise<MethodForecaster>,
): Required<Pick<MethodDefinition<M, S>, 'nowcasts' | 'prepare' | 'forecaster' | 'train'>> {
  const create = async (method: M & S, options: ForecastingOptions) =>
    new PeriodicForecasting(await forecaster(method), options);
  return { forecaster, ...nowcastingMethod(create) };
}
