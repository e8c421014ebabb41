// Computes the networks of every family on the current TensorFlow.js backend.

import type { NetworkCompute } from '../network/compute.js';
import type { NowcasterSpec } from '../network/spec.js';
import { createTfjsCompute } from '../network/tfjsCompute.js';
import { networkOf } from '../nowcaster/spec.js';

/** Creates a compute for a spec on the tfjs backend that is current when its methods are called. */
export function createGenericCompute(spec: NowcasterSpec): NetworkCompute {
  return createTfjsCompute(spec, networkOf(spec));
}
