// Causal self-attention of several heads, and its gradient. Queries, keys and values of a position lie one behind the other;
// each head takes `size` of each. Rows of scores are padded to whole blocks of 16.

import { exp4 } from './exp';

/** Writes rows of a head as columns: `result[c, j] = rows[j, c]`, [size, padded]. */
function transpose(rows: usize, step: usize, result: usize, steps: i32, size: i32, padded: i32): void {
  for (let j = 0; j < steps; j++, rows += step)
    for (let c = 0; c < size; c++) store<f32>(result + (<usize>(c * padded + j) << 2), load<f32>(rows + (<usize>c << 2)));
}

/** `result[j] = factor * sum over c of vector[c] * columns[c, j]` for the first `count` j and up to the end of their block. */
function multiply(vector: usize, columns: usize, result: usize, count: i32, size: i32, padded: i32, factor: f32): void {
  const step = <usize>padded << 2;
  const end = vector + (<usize>size << 2);
  const factors = f32x4.splat(factor);
  for (let j = 0; j < count; j += 16) {
    let column = columns + (<usize>j << 2);
    let a = f32x4.splat(0);
    let b = a;
    let c = a;
    let d = a;
    for (let at = vector; at < end; at += 4, column += step) {
      const value = v128.load32_splat(at);
      a = f32x4.add(a, f32x4.mul(value, v128.load(column)));
      b = f32x4.add(b, f32x4.mul(value, v128.load(column, 16)));
      c = f32x4.add(c, f32x4.mul(value, v128.load(column, 32)));
      d = f32x4.add(d, f32x4.mul(value, v128.load(column, 48)));
    }
    const to = result + (<usize>j << 2);
    v128.store(to, f32x4.mul(a, factors));
    v128.store(to, f32x4.mul(b, factors), 16);
    v128.store(to, f32x4.mul(c, factors), 32);
    v128.store(to, f32x4.mul(d, factors), 48);
  }
}

/** `result[c] = sum over n < count of weights[n] * rows[n, c]`; steps in bytes. */
function combine(weights: usize, weightStep: usize, rows: usize, rowStep: usize, count: i32, result: usize, size: i32): void {
  const bytes = <usize>size << 2;
  let offset: usize = 0;
  for (; offset + 32 <= bytes; offset += 32) {
    let a = f32x4.splat(0);
    let b = a;
    let weight = weights;
    let row = rows + offset;
    for (let n = 0; n < count; n++, weight += weightStep, row += rowStep) {
      const value = v128.load32_splat(weight);
      a = f32x4.add(a, f32x4.mul(value, v128.load(row)));
      b = f32x4.add(b, f32x4.mul(value, v128.load(row, 16)));
    }
    v128.store(result + offset, a);
    v128.store(result + offset, b, 16);
  }
  for (; offset + 16 <= bytes; offset += 16) {
    let a = f32x4.splat(0);
    let weight = weights;
    let row = rows + offset;
    for (let n = 0; n < count; n++, weight += weightStep, row += rowStep)
      a = f32x4.add(a, f32x4.mul(v128.load32_splat(weight), v128.load(row)));
    v128.store(result + offset, a);
  }
  for (; offset < bytes; offset += 4) {
    let a: f32 = 0;
    let weight = weights;
    let row = rows + offset;
    for (let n = 0; n < count; n++, weight += weightStep, row += rowStep) a += load<f32>(weight) * load<f32>(row);
    store<f32>(result + offset, a);
  }
}

/** Softmax of the first `count` scores, in place. What stands behind them up to a whole vector becomes 0. */
function softmax(scores: usize, count: i32): void {
  const end = scores + (<usize>count << 2);
  let largest: f32 = -Infinity;
  for (let at = scores; at < end; at += 4) largest = max(largest, load<f32>(at));
  const shift = f32x4.splat(largest);
  for (let at = scores; at < end; at += 16) v128.store(at, exp4(f32x4.sub(v128.load(at), shift)));
  for (let at = end; (at - scores) & 15; at += 4) store<f32>(at, 0);
  let sums = f32x4.splat(0);
  for (let at = scores; at < end; at += 16) sums = f32x4.add(sums, v128.load(at));
  const sum =
    f32x4.extract_lane(sums, 0) + f32x4.extract_lane(sums, 1) + f32x4.extract_lane(sums, 2) + f32x4.extract_lane(sums, 3);
  const share = f32x4.splat(1 / sum);
  for (let at = scores; at < end; at += 16) v128.store(at, f32x4.mul(v128.load(at), share));
}

// @ts-ignore: decorator
@inline
function pad(steps: i32): i32 {
  return (steps + 15) & ~15;
}

/**
 * Each position takes the mean of the values of itself and of earlier ones, weighted by the softmax of its query times their
 * keys over sqrt(size).
 *
 * @param qkv [batch, steps, 3, heads, size]: queries, keys, values.
 * @param result [batch, steps, heads, size], overwritten.
 * @param weights [batch, heads, steps, steps], overwritten; 0 for later positions.
 * @param scratch size * padded + padded floats, with `padded` the steps in whole blocks of 16.
 */
export function attention(
  qkv: usize,
  result: usize,
  weights: usize,
  scratch: usize,
  batch: i32,
  steps: i32,
  heads: i32,
  size: i32,
): void {
  const padded = pad(steps);
  const units = <usize>(heads * size) << 2;
  const scores = scratch + (<usize>(size * padded) << 2);
  const factor: f32 = 1 / sqrt<f32>(<f32>size);
  const rowBytes = <usize>steps << 2;
  memory.fill(scratch, 0, <usize>(size * padded) << 2);
  for (let sequence = 0; sequence < batch; sequence++) {
    for (let head = 0; head < heads; head++) {
      const query = qkv + (<usize>(head * size) << 2);
      transpose(query + units, 3 * units, scratch, steps, size, padded);
      for (let i = 0; i < steps; i++) {
        multiply(query + <usize>i * 3 * units, scratch, scores, i + 1, size, padded, factor);
        softmax(scores, i + 1);
        const used = <usize>(i + 1) << 2;
        memory.copy(weights, scores, used);
        memory.fill(weights + used, 0, rowBytes - used);
        const to = result + <usize>i * units + (<usize>(head * size) << 2);
        combine(scores, 4, query + 2 * units, 3 * units, i + 1, to, size);
        weights += rowBytes;
      }
    }
    qkv += <usize>steps * 3 * units;
    result += <usize>steps * units;
  }
}

/**
 * With P the weights, dP[i, j] = dy[i] . v[j] and dS = P (dP - sum over j of P dP) / sqrt(size):
 * dq[i] = sum dS[i, j] k[j], dk[j] = sum dS[i, j] q[i], dv[j] = sum P[i, j] dy[i].
 *
 * @param dy [batch, steps, heads, size].
 * @param qkv and `weights` of {@link attention}.
 * @param result gradient of qkv, overwritten.
 * @param scratch size * padded + steps * padded floats.
 */
export function attentionGradient(
  dy: usize,
  qkv: usize,
  weights: usize,
  result: usize,
  scratch: usize,
  batch: i32,
  steps: i32,
  heads: i32,
  size: i32,
): void {
  const padded = pad(steps);
  const units = <usize>(heads * size) << 2;
  const wide = <usize>3 * units;
  const slopes = scratch + (<usize>(size * padded) << 2);
  const slopeStep = <usize>padded << 2;
  const rowBytes = <usize>steps << 2;
  const factor: f32 = 1 / sqrt<f32>(<f32>size);
  memory.fill(scratch, 0, <usize>(size * padded) << 2);
  for (let sequence = 0; sequence < batch; sequence++) {
    for (let head = 0; head < heads; head++) {
      const at = <usize>(head * size) << 2;
      const query = qkv + at;
      const to = result + at;
      transpose(query + 2 * units, wide, scratch, steps, size, padded);
      for (let i = 0; i < steps; i++) {
        const slope = slopes + <usize>i * slopeStep;
        multiply(dy + at + <usize>i * units, scratch, slope, i + 1, size, padded, 1);
        const row = weights + <usize>i * rowBytes;
        let sum: f32 = 0;
        for (let j: usize = 0; j <= <usize>i; j++) sum += load<f32>(row + (j << 2)) * load<f32>(slope + (j << 2));
        for (let j: usize = 0; j <= <usize>i; j++) {
          const weight = load<f32>(row + (j << 2)) * factor;
          store<f32>(slope + (j << 2), weight * (load<f32>(slope + (j << 2)) - sum));
        }
        combine(slope, 4, query + units, wide, i + 1, to + <usize>i * wide, size);
      }
      for (let j = 0; j < steps; j++) {
        const column = <usize>j << 2;
        const later = <usize>j;
        combine(
          slopes + later * slopeStep + column,
          slopeStep,
          query + later * wide,
          wide,
          steps - j,
          to + units + later * wide,
          size,
        );
        combine(
          weights + later * rowBytes + column,
          rowBytes,
          dy + at + later * units,
          units,
          steps - j,
          to + 2 * units + later * wide,
          size,
        );
      }
      weights += <usize>steps * rowBytes;
    }
    qkv += <usize>steps * wide;
    result += <usize>steps * wide;
    dy += <usize>steps * units;
  }
}
