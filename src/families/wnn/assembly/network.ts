// The nowcaster network on blocks of samples: its outputs, and its loss with gradients. One instance of the module serves
// one spec; the host passes one chunk of samples at a time.
//
// Optimizations compared to the network as written:
// - Dense8(Dense64(x)) and Dense32(DenseT64(c)) have no activation between, so each is folded into one product, both
//   ways; the gradients of the folded weights are unfolded once per call (fold.ts).
// - The three layers that read the code share their input, so they are one product with 128 outputs, T being folded.
// - Data is stored in strips of eight samples (products.ts), so that all arithmetic is vectorized.

import { backwardStrip, lossStrip, sumStream } from './backward';
import { tanh4 } from '../../../kernels/assembly/elementary';
import { foldStream, OUTPUTS, unfoldStream } from './fold';
import { forwardStrip } from './forward';
import { packPanels, ROW, STRIP, sumProducts, sumSamples } from '../../../kernels/assembly/products';
import {
  outputsChunk,
  BLOCK,
  CHUNK,
  differences,
  differencesTable,
  gradients,
  hasNetwork,
  head,
  headBackPanels,
  headBias,
  headBiasSums,
  headKernel,
  headPanels,
  headRows,
  headStarts,
  headSums,
  horizons,
  inputLength,
  outputs,
  outputSlopes,
  parameters,
  streamCount,
  strideOf,
  sums,
  sumsBytes,
  table,
  targetsChunk,
  totals,
  values,
  valuesTable,
  windowsChunk,
  zeros,
} from './state';

/** Sum of losses since `reset`. */
let lossSum: f64 = 0;

export { configure } from './state';

/** Where the host writes the first index of each layer's kernel and bias, in the order of `table`. */
export function tableAt(): usize {
  return table;
}

/** Where the host writes the flat parameters. */
export function parametersAt(): usize {
  return parameters;
}

/** Where {@link finish} writes the gradients, laid out like the parameters. */
export function gradientsAt(): usize {
  return gradients;
}

/** Where the host writes up to CHUNK windows, [count, L]. */
export function inputsAt(): usize {
  return windowsChunk;
}

/** Where the host writes their targets, [count, horizons]. */
export function targetsAt(): usize {
  return targetsChunk;
}

/** Where {@link forward} writes the outputs, [count, horizons]. */
export function outputsAt(): usize {
  return outputsChunk;
}

/** Where the sums of folded gradients of a group are. */
export function sumsAt(): usize {
  return sums;
}

/** Bytes of the sums. */
export function sumsLength(): usize {
  return sumsBytes;
}

/** Folds and packs the parameters that the host has written. Call it after every change. */
export function prepare(): void {
  foldStream(values.fold, valuesTable(), parameters, values.inputs, hasNetwork, zeros);
  if (streamCount === 2)
    foldStream(differences.fold, differencesTable(), parameters, differences.inputs, hasNetwork, zeros);
  const outputRows = OUTPUTS * streamCount;
  const kernel = parameters + headKernel() * 4;
  packPanels(kernel, outputRows, horizons * 4, horizons, 4, headPanels);
  packPanels(kernel, horizons, 4, outputRows, horizons * 4, headBackPanels);
  memory.copy(headStarts, parameters + headBias() * 4, horizons * 4);
}

/** Computes the outputs for the first `count` windows of the chunk. */
export function forward(count: usize): void {
  for (let first: usize = 0; first < count; first += STRIP) {
    const lanes = min(STRIP, count - first);
    forwardStrip(0, windowsChunk + (first * inputLength) * 4, lanes);
    const outputs = outputsChunk + (first * horizons) * 4;
    for (let h: usize = 0; h < horizons; h++) {
      const row = head + h * ROW;
      v128.store(row, tanh4(v128.load(row)));
      v128.store(row, tanh4(v128.load(row, 16)), 16);
      for (let lane: usize = 0; lane < lanes; lane++)
        store<f32>(outputs + (lane * horizons + h) * 4, load<f32>(row + lane * 4));
    }
  }
}

/** Sets the sums of gradients and of the loss to zero: a new group of samples starts. */
export function reset(): void {
  memory.fill(sums, 0, sumsBytes);
  lossSum = 0;
}

/** The loss of the samples since {@link reset}, summed over samples and horizons. */
export function loss(): f64 {
  return lossSum;
}

/** Adds the loss and the gradients of the first `count` samples of the chunk to the sums. */
export function accumulate(count: usize, kind: i32): void {
  const outputRows = OUTPUTS * streamCount;
  const outputStride = strideOf(outputRows);
  const headStride = strideOf(headRows);
  for (let first: usize = 0; first < count; first += BLOCK * STRIP) {
    let strips: usize = 0;
    for (; strips < BLOCK && first + strips * STRIP < count; strips++) {
      const sample = first + strips * STRIP;
      const lanes = min(STRIP, count - sample);
      forwardStrip(strips, windowsChunk + (sample * inputLength) * 4, lanes);
      lossSum += lossStrip(strips, targetsChunk + (sample * horizons) * 4, lanes, kind);
      backwardStrip(strips);
    }
    sumStream(values, strips, outputSlopes);
    if (streamCount === 2) sumStream(differences, strips, outputSlopes + OUTPUTS * ROW);
    sumProducts(head, (horizons + 1) & ~1, headStride, outputs, outputRows, outputStride, strips, headSums);
    sumSamples(head, headRows, headStride, strips, headBiasSums);
  }
}

/** Sets the totals to zero: a new batch starts. */
export function resetTotals(): void {
  memory.fill(totals, 0, sumsBytes);
}

/** Adds the sums, own or written by the host, to the totals. */
export function addToTotals(): void {
  for (let i: usize = 0; i < sumsBytes; i += 16)
    v128.store(totals + i, f32x4.add(v128.load(totals + i), v128.load(sums + i)));
}

/**
 * Unfolds the totals to gradients of the parameters, times `scale`.
 *
 * @returns whether all of them are finite.
 */
export function finish(scale: f32): bool {
  memory.copy(sums, totals, sumsBytes);
  unfoldStream(values.fold, valuesTable(), parameters, gradients, values.inputs, hasNetwork);
  if (streamCount === 2)
    unfoldStream(differences.fold, differencesTable(), parameters, gradients, differences.inputs, hasNetwork);
  const outputRows = OUTPUTS * streamCount;
  const kernel = gradients + headKernel() * 4;
  const bias = gradients + headBias() * 4;
  for (let h: usize = 0; h < horizons; h++) {
    for (let j: usize = 0; j < outputRows; j++)
      store<f32>(kernel + (j * horizons + h) * 4, load<f32>(headSums + (h * outputRows + j) * 4));
    store<f32>(bias + h * 4, load<f32>(headBiasSums + h * 4));
  }
  let check: f32 = 0;
  for (let at = gradients, end = bias + horizons * 4; at < end; at += 4) {
    const gradient = load<f32>(at) * scale;
    check += gradient * 0;
    store<f32>(at, gradient);
  }
  return check === 0;
}
