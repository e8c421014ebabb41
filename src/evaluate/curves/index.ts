// The curve fits that the paper compares with, by name.

import type { Curve } from './curve.js';
import { linear, quadratic } from './polynomial.js';
import { exponential, michaelisMenten, power, sigmoid, timesExponential } from './separable.js';

const CURVES = {
  linear,
  quadratic,
  exponential,
  'x-exponential': timesExponential,
  sigmoid,
  power,
  'michaelis-menten': michaelisMenten,
} as const satisfies Record<string, Curve>;

/** Name of a curve. */
export type CurveName = keyof typeof CURVES;

/** Names of all curves. */
export const CURVE_NAMES = Object.keys(CURVES) as CurveName[];

/** The curve of that name, one of {@link CURVE_NAMES}. */
export function curveOf(name: string): Curve {
  return CURVES[name as CurveName];
}
