// Curves with known values.

import type { Curve } from '../../../src/evaluate/scores/curve.js';

/** A curve with one value an epoch, each of which took `secondsPerEpoch`. */
export function curve(values: (number | null)[], secondsPerEpoch = 1, diverged = false): Curve {
  return { values, seconds: values.map((_, i) => (i + 1) * secondsPerEpoch), diverged };
}

/** A curve that reaches 0.9 at an epoch, and `best` at the last of ten. */
export function reachingAt(epoch: number, best = 0.9, secondsPerEpoch = 1): Curve {
  return curve(
    Array.from({ length: 10 }, (_, i) => (i === 9 ? best : i + 1 >= epoch ? Math.min(0.9, best) : 0.5)),
    secondsPerEpoch,
  );
}
