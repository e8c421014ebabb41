// Tells which windows hardly move: their range is small beside the ranges of the same tensor over the same epochs. Of
// such a window rounding and noise are all that normalization enlarges, and its target can be thousands of ranges away.

/** How many scalars of a tensor follow one another. */
export interface MovementGroup {
  count: number;
}

/** Maximum less minimum of the first `length` epochs of one scalar; NaN when one of them is. */
function rangeOf(raw: readonly Float32Array[], length: number, scalar: number): number {
  let minimum = raw[0][scalar];
  let maximum = minimum;
  for (let i = 1; i < length; i++) {
    const value = raw[i][scalar];
    minimum = Math.min(minimum, value);
    maximum = Math.max(maximum, value);
  }
  return maximum - minimum;
}

/**
 * Marks the windows whose range is below `share` of the root mean square of the ranges of their group. Windows that do
 * not change at all, or that hold a value that is not finite, count for nothing in that mean and are not marked.
 *
 * @param raw raw weights, one array an epoch, the window's oldest first: `raw[i][j]` is scalar j.
 * @param length L, the epochs of a window.
 * @param groups tensors, in the order in which their scalars stand in `raw`.
 * @param small receives 1 for each scalar that is marked and 0 for the others.
 */
export function markSmallRanges(
  raw: readonly Float32Array[],
  length: number,
  groups: readonly MovementGroup[],
  share: number,
  small: Uint8Array,
): void {
  let start = 0;
  for (const { count } of groups) {
    const end = start + count;
    let squares = 0;
    let moving = 0;
    for (let j = start; j < end; j++) {
      const range = rangeOf(raw, length, j);
      if (!(range > 0 && range < Number.POSITIVE_INFINITY)) continue;
      squares += range * range;
      moving++;
    }
    const least = moving === 0 ? 0 : share * Math.sqrt(squares / moving);
    for (let j = start; j < end; j++) {
      const range = rangeOf(raw, length, j);
      small[j] = range > 0 && range < least ? 1 : 0;
    }
    start = end;
  }
}
