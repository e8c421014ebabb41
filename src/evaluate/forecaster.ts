// What forecasts for a method.

import { createDefaultCompute, createNowcasterForecaster, type Forecaster } from '../callback/index.js';
import { loadNowcaster } from '../callback/node.js';
import type { Method } from '../evaluation/schema.js';
import { PAPER_SPEC, TRAINED_KINDS } from '../nowcaster/spec.js';
import { curveOf } from './curves/index.js';

/** Window and horizon of the curve fits: those of the paper. */
const CURVE_WINDOW = PAPER_SPEC.inputLength;
const CURVE_HORIZON = PAPER_SPEC.horizons[0];

/** A forecaster that knows how far ahead it looks. */
export interface MethodForecaster extends Forecaster {
  /** Epochs from the window's last value to the forecast. */
  readonly horizon: number;
}

/**
 * The forecaster of a method that looks at windows; null for those that do not.
 *
 * @throws MissingFileError, CorruptFileError and the like for a nowcaster that cannot be read.
 */
export async function createForecaster(method: Method): Promise<MethodForecaster | null> {
  switch (method.type) {
    case 'plain':
    case 'introspection':
      return null;
    case 'curve': {
      const curve = curveOf(method.name);
      return {
        windowLength: CURVE_WINDOW,
        horizon: CURVE_HORIZON,
        kinds: TRAINED_KINDS,
        forecast: async (_kind, history, out) => curve(history, CURVE_HORIZON, out),
        dispose: async () => {},
      };
    }
    case 'nowcaster': {
      const nowcaster = await loadNowcaster(method.directory);
      const forecaster = createNowcasterForecaster(nowcaster, createDefaultCompute);
      return { ...forecaster, horizon: Math.max(...nowcaster.spec.horizons) };
    }
    default:
      return method satisfies never;
  }
}
