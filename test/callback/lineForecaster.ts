// A forecaster whose forecasts are easy to work out: the next point of a line.

import type { Forecaster } from '../../src/callback/forecaster.js';
import { DEFAULT_KINDS } from '../../src/nowcaster/spec.js';

/** Goes on along a line through the first and the last snapshot, and lists the snapshots that it was asked after. */
export function lineForecaster(windowLength = 3, cadence?: Forecaster['cadence']) {
  const asked: number[] = [];
  const forecaster: Forecaster = {
    windowLength,
    cadence,
    kinds: DEFAULT_KINDS,
    async forecast({ snapshots, snapshot }, out) {
      asked.push(snapshot);
      const [first, last] = [snapshots[0], snapshots[windowLength - 1]];
      for (let i = 0; i < out.length; i++) out[i] = last[i] + (last[i] - first[i]) / (windowLength - 1);
    },
    async dispose() {},
  };
  return { forecaster, asked };
}
