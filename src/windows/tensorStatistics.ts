// What a window says about a whole tensor: how far its scalars move, and whether they move in one direction. Over the scalars
// at hand: all of a tensor when it is nowcast, the drawn ones when samples are made.

/** The scale of a tensor that does not move; added to that of every other. */
export const RESTING_SCALE = 1e-8;

/** Statistics of one tensor over one window. */
export interface TensorStatistics {
  /** Root mean square of the changes from snapshot to snapshot. */
  changeRms: number;
  /** Root mean square of the last snapshot's values. */
  valueRms: number;
  /**
   * Squared length of the change over the window, divided by (L - 1)^2 times the mean squared length of the changes from
   * snapshot to snapshot: 1 on a straight line at constant speed, 1 / (L - 1) for independent changes, 0 for a circle.
   */
  straightness: number;
  /**
   * Mean of the inner products of successive changes, divided by the mean squared length of the changes: above 0 where
   * they agree, below 0 where the weights oscillate. 0 for windows of two snapshots.
   */
  agreement: number;
}

/**
 * Computes the statistics in float64.
 *
 * @param raw raw values, at least `length` arrays, oldest first.
 * @param start the tensor's first scalar in the arrays.
 * @param count its scalars, 1 or more.
 * @param length snapshots of the window, L.
 */
export function tensorStatistics(
  raw: readonly Float32Array[],
  start: number,
  count: number,
  length: number,
): TensorStatistics {
  const [first, last] = [raw[0], raw[length - 1]];
  let changes = 0;
  let products = 0;
  let values = 0;
  let whole = 0;
  for (let j = start; j < start + count; j++) {
    let before = 0;
    for (let i = 1; i < length; i++) {
      const change = raw[i][j] - raw[i - 1][j];
      changes += change * change;
      products += change * before;
      before = change;
    }
    values += last[j] * last[j];
    whole += (last[j] - first[j]) ** 2;
  }
  const steps = length - 1;
  const squared = changes / steps;
  return {
    changeRms: Math.sqrt(squared / count),
    valueRms: Math.sqrt(values / count),
    straightness: squared > 0 ? whole / (steps * steps * squared) : 0,
    agreement: squared > 0 && steps > 1 ? products / (steps - 1) / squared : 0,
  };
}

/** The scale of the normalization `tensor`: the root mean square of the tensor's changes, never 0. */
export function scaleOfTensor({ changeRms }: TensorStatistics): number {
  return changeRms + RESTING_SCALE;
}
