// Medians of times to a target, where a run that never gets there counts as infinite. Pure functions.

/** The median; of an even count the mean of the two in the middle, infinite when either is. NaN without values. */
export function medianOf(values: readonly number[]): number {
  if (values.length === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}
