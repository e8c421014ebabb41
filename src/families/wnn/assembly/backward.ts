// The loss of one strip, its gradients with respect to the inputs of the layers, and their sums over a block. fold.ts
// computes the gradients of the weights.

import { tanh4, tanhSlope4 } from '../../../kernels/assembly/elementary';
import { CODE, FEATURES, LEAK, OUTPUTS } from './fold';
import { addRows, multiplyRows, ROW, STRIP, sumProducts, sumSamples } from '../../../kernels/assembly/products';
import {
  codeScratch,
  differences,
  hasNetwork,
  head,
  headBackPanels,
  headRows,
  horizons,
  laneMask,
  outerRows,
  outputs,
  outputSlopes,
  Stream,
  streamCount,
  strideOf,
  targetRow,
  values,
  zeros,
} from './state';

const LOSS_MAE: i32 = 0;
const LOSS_HUBER: i32 = 1;

/** The losses of four outputs; `pre` is overwritten with their gradients before tanh. */
// @ts-ignore: decorator
@inline
function lossOf(pre: usize, target: v128, mask: v128, kind: i32): v128 {
  const x = v128.load(pre);
  const one = f32x4.splat(1);
  const difference = f32x4.sub(tanh4(x), target);
  const size = f32x4.abs(difference);
  let value: v128;
  let slope: v128;
  if (kind === LOSS_MAE) {
    value = size;
    const above = v128.and(f32x4.gt(difference, f32x4.splat(0)), one);
    const below = v128.and(f32x4.lt(difference, f32x4.splat(0)), one);
    slope = f32x4.sub(above, below);
  } else if (kind === LOSS_HUBER) {
    const clipped = f32x4.pmin(f32x4.pmax(difference, f32x4.splat(-1)), one);
    const half = f32x4.mul(clipped, f32x4.splat(0.5));
    value = f32x4.mul(clipped, f32x4.sub(difference, half));
    slope = clipped;
  } else {
    value = f32x4.mul(difference, difference);
    slope = f32x4.add(difference, difference);
  }
  v128.store(pre, v128.and(f32x4.mul(slope, tanhSlope4(x)), mask));
  return v128.and(value, mask);
}

/** The sum of a strip's losses; its head rows are overwritten with the gradients before tanh. */
export function lossStrip(strip: usize, targets: usize, count: usize, kind: i32): f64 {
  let sum: f64 = 0;
  for (let lane: usize = 0; lane < STRIP; lane++) store<i32>(laneMask + lane * 4, lane < count ? -1 : 0);
  for (let h: usize = 0; h < horizons; h++) {
    for (let lane: usize = 0; lane < count; lane++)
      store<f32>(targetRow + lane * 4, load<f32>(targets + (lane * horizons + h) * 4));
    const row = head + strip * strideOf(headRows) + h * ROW;
    const low = lossOf(row, v128.load(targetRow), v128.load(laneMask), kind);
    const high = lossOf(row + 16, v128.load(targetRow, 16), v128.load(laneMask, 16), kind);
    const both = f32x4.add(low, high);
    sum += <f64>f32x4.extract_lane(both, 0) + <f64>f32x4.extract_lane(both, 1);
    sum += <f64>f32x4.extract_lane(both, 2) + <f64>f32x4.extract_lane(both, 3);
  }
  return sum;
}

/** Backward through the learned activation: overwrites the gradient of u in `slope` with that of f, and E and e^(E f) with
 * those of E and G. */
function deactivate(f: usize, eg: usize, u: usize, slope: usize): void {
  const half = FEATURES * ROW;
  for (let i: usize = 0; i < half; i += 16) {
    const du = v128.load(slope + i);
    const scale = v128.load(eg + i);
    const g = eg + half + i;
    const dz = f32x4.mul(du, v128.load(u + i));
    v128.store(g, f32x4.mul(du, v128.load(g)));
    v128.store(eg + i, f32x4.mul(dz, v128.load(f + i)));
    v128.store(slope + i, f32x4.mul(dz, scale));
  }
}

/** Sets the rows of `slope` to zero where those of `rows` are not positive. */
function maskRelu(slope: usize, rows: usize, count: usize): void {
  const zero = f32x4.splat(0);
  for (let i: usize = 0, end = count * ROW; i < end; i += 16) {
    v128.store(slope + i, v128.and(v128.load(slope + i), f32x4.gt(v128.load(rows + i), zero)));
  }
}

function maskLeakyRelu(slope: usize, rows: usize, count: usize): void {
  const zero = f32x4.splat(0);
  const leak = f32x4.splat(LEAK);
  for (let i: usize = 0, end = count * ROW; i < end; i += 16) {
    const s = v128.load(slope + i);
    v128.store(slope + i, v128.bitselect(s, f32x4.mul(s, leak), f32x4.gt(v128.load(rows + i), zero)));
  }
}

/** Backward pass of one stream on one strip, from the gradients of its outputs at `outputSlope` (before leaky relu). */
function backwardStream(stream: Stream, strip: usize, outputSlope: usize): void {
  const fold = stream.fold;
  const outer = stream.outer + strip * strideOf(outerRows);
  const slope = stream.outerSlope + strip * strideOf(outerRows);
  multiplyRows(outputSlope, OUTPUTS, fold.outBackPanels, zeros, slope, outerRows / 4);
  if (hasNetwork) {
    const eg = stream.eg + strip * strideOf(2 * FEATURES);
    const codeRows = FEATURES * ROW;
    deactivate(stream.f + strip * strideOf(FEATURES), eg, outer, slope);
    multiplyRows(eg, 2 * FEATURES, fold.egBackPanels, zeros, codeScratch, CODE / 4);
    addRows(slope + codeRows, codeScratch, CODE);
    maskRelu(slope + codeRows, outer + codeRows, CODE);
  } else {
    maskRelu(slope, outer, FEATURES);
  }
}

/** Backward pass on one strip, from the gradients that `lossStrip` writes. */
export function backwardStrip(strip: usize): void {
  const outputRows = OUTPUTS * streamCount;
  const slope = outputSlopes + strip * strideOf(outputRows);
  const out = outputs + strip * strideOf(outputRows);
  multiplyRows(head + strip * strideOf(headRows), horizons, headBackPanels, zeros, slope, outputRows / 4);
  maskLeakyRelu(slope, out, outputRows);
  backwardStream(values, strip, slope);
  if (streamCount === 2) backwardStream(differences, strip, slope + OUTPUTS * ROW);
}

/** Adds a block's part to the sums of a stream. */
export function sumStream(stream: Stream, strips: usize, outputSlope: usize): void {
  const fold = stream.fold;
  const outputStride = strideOf(OUTPUTS * streamCount);
  const outerStride = strideOf(outerRows);
  sumProducts(stream.outer, outerRows, outerStride, outputSlope, OUTPUTS, outputStride, strips, fold.outSums);
  sumSamples(outputSlope, OUTPUTS, outputStride, strips, fold.outBiasSums);
  const inputStride = strideOf(stream.inputRows);
  sumProducts(stream.x, stream.inputRows, inputStride, stream.outerSlope, outerRows, outerStride, strips, fold.inSums);
  sumSamples(stream.outerSlope, outerRows, outerStride, strips, fold.inBiasSums);
  if (!hasNetwork) return;
  const egRows: usize = 2 * FEATURES;
  const egStride = strideOf(egRows);
  const code = stream.outer + FEATURES * ROW;
  sumProducts(code, CODE, outerStride, stream.eg, egRows, egStride, strips, fold.egSums);
  sumSamples(stream.eg, egRows, egStride, strips, fold.egBiasSums);
}
