// Extrapolation of each scalar by a curve through its window.

import type { Method } from '../../evaluation/schema.js';
import { DEFAULT_KINDS, PAPER_SPEC, TRAINED_KINDS } from '../../nowcaster/spec.js';
import type { Curve } from './curves/curve.js';
import type { MethodDefinition } from './definition.js';
import { periodicMethod } from './periodic.js';
import { PERIODIC_SETTINGS, type PeriodicSettings } from './periodicSettings.js';

/** Window and horizon of the curve fits: those of the paper. */
const WINDOW = PAPER_SPEC.inputLength;
const HORIZON = PAPER_SPEC.horizons[0];

/** The method of one curve. */
export function curveMethod(type: string, curve: Curve): MethodDefinition<Method, PeriodicSettings> {
  return {
    type,
    settings: PERIODIC_SETTINGS,
    describe: () => ({ sentence: 'a curve through each weight’s window, extended', command: type }),
    ...periodicMethod(async () => ({
      windowLength: WINDOW,
      horizon: HORIZON,
      kinds: TRAINED_KINDS,
      defaultKinds: DEFAULT_KINDS,
      forecast: async ({ snapshots }, out) => curve(snapshots, HORIZON, out),
      dispose: async () => {},
    })),
  };
}
