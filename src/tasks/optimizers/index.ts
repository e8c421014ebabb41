// The list of optimizers.

import { adam } from './adam.js';
import { adamw } from './adamw.js';
import type { OptimizerDefinition } from './definition.js';
import { rmsprop } from './rmsprop.js';
import { scheduleFree } from './scheduleFree.js';
import { momentum, sgd } from './sgd.js';

const LIST = [adam, adamw, sgd, momentum, rmsprop, scheduleFree] as const;

/** Name of an optimizer. */
export type OptimizerName = (typeof LIST)[number]['name'];

/** All optimizers. */
export const OPTIMIZER_DEFINITIONS = LIST as readonly unknown[] as readonly OptimizerDefinition<OptimizerName>[];
