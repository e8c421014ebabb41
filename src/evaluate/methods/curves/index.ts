// The curve fits that the paper compares with, by name.

import type { Curve } from './curve.js';
import { linear, quadratic } from './polynomial.js';
import { exponential, michaelisMenten, power, sigmoid, timesExponential } from './separable.js';

export const CURVES = {
  linear,
  quadratic,
  exponential,
  'x-exponential': timesExponential,
  sigmoid,
  power,
  'michaelis-menten': michaelisMenten,
} as const satisfies Record<string, Curve>;
