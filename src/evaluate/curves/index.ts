// The curve fits that the paper compares with, by name.

import type { Curve } from './curve.js';
import { linear } from './polynomial.js';

const CURVES = { linear } as const satisfies Record<string, Curve>;

/** Name of a curve. */
export type CurveName = keyof typeof CURVES;

/** Names of all curves. */
export const CURVE_NAMES = Object.keys(CURVES) as CurveName[];

/** The curve of that name. */
export function curveOf(name: CurveName): Curve {
  return CURVES[name];
}
