// The list of all methods.

import { AVERAGES } from '../../callback/averages/index.js';
import { adamw } from './adamw.js';
import { averageMethod } from './average.js';
import { cosine } from './cosine.js';
import { curveMethod } from './curve.js';
import { CURVES } from './curves/index.js';
import type { MethodDefinition } from './definition.js';
import { introspection } from './introspection.js';
import { lookahead } from './lookahead.js';
import { meanLinear } from './meanLinear.js';
import { momentum } from './momentum.js';
import { nowcaster } from './nowcaster.js';
import { plain } from './plain.js';
import { scheduleFree } from './scheduleFree.js';

/** The baseline: the first method of every evaluation. */
export const BASELINE = plain;

/** The methods of the toolkit, the baseline among them. */
export const METHODS: readonly MethodDefinition[] = [
  plain,
  cosine,
  adamw,
  momentum,
  scheduleFree,
  lookahead,
  ...AVERAGES.map(averageMethod),
  ...Object.entries(CURVES).map(([name, curve]) => curveMethod(name, curve)),
  meanLinear,
  introspection,
  nowcaster,
];
