// A streaming histogram of targets with bins of equal relative width. Sketches of several runs merge exactly, in any
// order.

import type { TargetQuantiles } from '../samples/schema.js';

/** Bins are the upper 16 bits of a float32 (sign, exponent, 7 bits of mantissa): 0.8% wide. */
const BINS = 65536;

/** Probabilities of the reported quantiles. */
const PROBABILITIES = [0, 0.001, 0.01, 0.05, 0.25, 0.5, 0.75, 0.95, 0.99, 0.999, 1];

/** Counts and sums of the targets of one horizon. Plain data, so that a worker can send it. */
export interface TargetSketch {
  /** Number of targets per bin, in ascending order of value. */
  bins: Float64Array;
  count: number;
  minimum: number;
  maximum: number;
  sum: number;
  absoluteSum: number;
}

export function createSketch(): TargetSketch {
  return {
    bins: new Float64Array(BINS),
    count: 0,
    minimum: Number.POSITIVE_INFINITY,
    maximum: Number.NEGATIVE_INFINITY,
    sum: 0,
    absoluteSum: 0,
  };
}

/** Adds the first `count` of every `stride` values, starting at `offset`. The values must be finite. */
export function addTargets(sketch: TargetSketch, values: Float32Array, count: number, offset = 0, stride = 1): void {
  const bits = new Int32Array(values.buffer, values.byteOffset, values.length);
  const { bins } = sketch;
  let { minimum, maximum, sum, absoluteSum } = sketch;
  for (let i = 0, at = offset; i < count; i++, at += stride) {
    const value = values[at];
    // Flipping all bits of negative numbers, and the sign bit of the others, makes the order of bits that of the values.
    const word = bits[at];
    bins[(word ^ ((word >> 31) | 0x80000000)) >>> 16]++;
    if (value < minimum) minimum = value;
    if (value > maximum) maximum = value;
    sum += value;
    absoluteSum += Math.abs(value);
  }
  sketch.count += count;
  sketch.minimum = minimum;
  sketch.maximum = maximum;
  sketch.sum = sum;
  sketch.absoluteSum = absoluteSum;
}

/** Adds the counts of another sketch. */
export function mergeSketch(into: TargetSketch, from: TargetSketch): void {
  for (let i = 0; i < BINS; i++) into.bins[i] += from.bins[i];
  into.count += from.count;
  into.minimum = Math.min(into.minimum, from.minimum);
  into.maximum = Math.max(into.maximum, from.maximum);
  into.sum += from.sum;
  into.absoluteSum += from.absoluteSum;
}

/** The value in the middle of a bin. */
function middleOf(bin: number): number {
  const key = ((bin << 16) | 0x8000) >>> 0;
  const word = key & 0x80000000 ? key ^ 0x80000000 : ~key;
  return new Float32Array(Int32Array.of(word).buffer)[0];
}

/** The quantiles for dataset.json; the sketch must not be empty. */
export function describeSketch(sketch: TargetSketch, horizon: number): TargetQuantiles {
  const { bins, count, minimum, maximum, sum, absoluteSum } = sketch;
  let bin = -1;
  let below = 0;
  const quantiles = PROBABILITIES.map((probability) => {
    const rank = probability * (count - 1) + 1;
    while (below < rank && bin < BINS - 1) below += bins[++bin];
    const value = probability === 0 ? minimum : probability === 1 ? maximum : middleOf(bin);
    return { probability, value: Number(Math.min(maximum, Math.max(minimum, value)).toPrecision(6)) };
  });
  return { horizon, quantiles, mean: sum / count, meanAbsolute: absoluteSum / count };
}
