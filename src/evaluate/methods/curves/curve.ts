// What a curve fit is: it extends windows of values to a later time, many scalars at once.

/**
 * Extends each scalar's window to `horizon` epochs past its last value.
 *
 * @param history raw values, one array an epoch, oldest first.
 * @param out receives the extrapolated values; may be the oldest of the history's arrays.
 */
export type Curve = (history: readonly Float32Array[], horizon: number, out: Float32Array) => void;
