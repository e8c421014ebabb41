// The input `context`: how a scalar stands in its tensor, and how the tensor moves. Without it a network cannot tell the
// direction of a layer from the noise of one weight.

import type { WindowInput } from './input.js';

/** Divides logarithms, so that they are of the size of the other inputs. */
const LOGARITHM_SCALE = 5;

const logarithm = (value: number) => Math.log10(value + 1e-8) / LOGARITHM_SCALE;

/**
 * Six columns: the last value over the root mean square of the tensor's values, limited to 5 in size; the logarithm of the
 * tensor's change over its values; the straightness of its path; the agreement of its successive changes; the logarithm of
 * its size; and the share of its scalars that stand before this one.
 */
export const contextInput: WindowInput = {
  name: 'context',
  width: () => 6,
  fill({ spec, tensor, statistics, count, positions, history, start }, rows, offset, stride) {
    const { changeRms, valueRms, straightness, agreement } = statistics;
    const last = history[spec.inputLength - 1];
    const size = tensor.shape.reduce((product, length) => product * length, 1);
    const motion = logarithm(changeRms / (valueRms + 1e-8));
    const logSize = logarithm(size);
    for (let j = 0, to = offset; j < count; j++, to += stride) {
      rows[to] = Math.max(-5, Math.min(5, last[start + j] / (valueRms + 1e-8)));
      rows[to + 1] = motion;
      rows[to + 2] = straightness;
      rows[to + 3] = agreement;
      rows[to + 4] = logSize;
      rows[to + 5] = positions[j] / size;
    }
  },
};
