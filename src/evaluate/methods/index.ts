// The list of all methods.

import { curveMethod } from './curve.js';
import { CURVES } from './curves/index.js';
import type { MethodDefinition } from './definition.js';
import { introspection } from './introspection.js';
import { meanLinear } from './meanLinear.js';
import { nowcaster } from './nowcaster.js';
import { plain } from './plain.js';

/** The baseline: the first method of every evaluation. */
export const BASELINE = plain;

/** The methods of the toolkit, the baseline among them. */
export const METHODS: readonly MethodDefinition[] = [
  plain,
  ...Object.entries(CURVES).map(([name, curve]) => curveMethod(name, curve)),
  meanLinear,
  introspection,
  nowcaster,
];
