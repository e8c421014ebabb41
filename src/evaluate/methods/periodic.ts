// Methods that periodically replace weights by a forecast from their last snapshots.

import { PeriodicForecasting } from '../../callback/index.js';
import type { Method } from '../../evaluation/schema.js';
import type { MethodDefinition, MethodForecaster } from './definition.js';
import { optionsOfSettings, type PeriodicSettings } from './periodicSettings.js';

/** The parts of a definition that follow from its forecaster. Its settings include those of PERIODIC_SETTINGS. */
export function periodicMethod<M extends Method, S extends PeriodicSettings>(
  forecaster: (method: M & S) => Promise<MethodForecaster>,
): Required<Pick<MethodDefinition<M, S>, 'nowcasts' | 'forecaster' | 'train'>> {
  return {
    nowcasts: true,
    forecaster,
    async train(method) {
      const options = { ...optionsOfSettings(method), onNote: () => {} };
      const callback = new PeriodicForecasting(await forecaster(method), options);
      return { callback, nowcasts: () => callback.history, dispose: () => callback.dispose() };
    },
  };
}
