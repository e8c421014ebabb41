// Methods that periodically replace weights by a forecast from their last epochs.

import { PeriodicForecasting } from '../../callback/index.js';
import type { Method } from '../../evaluation/schema.js';
import type { MethodDefinition, MethodForecaster } from './definition.js';

/** The parts of a definition that follow from its forecaster. */
export function periodicMethod<M extends Method>(
  forecaster: (method: M) => Promise<MethodForecaster>,
): Required<Pick<MethodDefinition<M>, 'nowcasts' | 'forecaster' | 'train'>> {
  return {
    nowcasts: true,
    forecaster,
    async train(method, { guard }) {
      const callback = new PeriodicForecasting(await forecaster(method), { guard, onNote: () => {} });
      return { callback, nowcasts: () => callback.history, dispose: () => callback.dispose() };
    },
  };
}
