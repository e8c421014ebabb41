// The forward pass of one strip, up to the head before its tanh.

import { activate } from './activation';
import { CODE, FEATURES, LEAK, OUTPUTS } from './fold';
import { multiplyRows, multiplyRowsLeaky, multiplySingleRow, ROW, STRIP } from '../../../kernels/assembly/products';
import {
  differences,
  hasNetwork,
  head,
  headKernel,
  headPanels,
  headRows,
  headStarts,
  horizons,
  inputLength,
  outerRows,
  outputs,
  parameters,
  Stream,
  streamCount,
  strideOf,
  values,
} from './state';

/** Transposes eight row-major windows into the rows of the streams; lanes past `count` repeat the last window. */
function loadWindows(strip: usize, windows: usize, count: usize): void {
  const x = values.x + strip * strideOf(values.inputRows);
  const length = inputLength;
  for (let lane: usize = 0; lane < STRIP; lane++) {
    const window = windows + (min(lane, count - 1) * length) * 4;
    let to = x + lane * 4;
    for (let i: usize = 0; i < length; i++, to += ROW) store<f32>(to, load<f32>(window + i * 4));
  }
  if (streamCount === 1) return;
  const d = differences.x + strip * strideOf(differences.inputRows);
  for (let i: usize = 0, end = (length - 1) * ROW; i < end; i += ROW) {
    v128.store(d + i, f32x4.sub(v128.load(x + i, 32), v128.load(x + i)));
    v128.store(d + i, f32x4.sub(v128.load(x + i, 48), v128.load(x + i, 16)), 16);
  }
}

function relu(from: usize, to: usize, rows: usize): void {
  const zero = f32x4.splat(0);
  for (let i: usize = 0, end = rows * ROW; i < end; i += 16) {
    // pmax(x, 0) keeps a NaN in the first operand.
    v128.store(to + i, f32x4.pmax(v128.load(from + i), zero));
  }
}

/** Forward pass of one stream on one strip, from its input rows to its 32 output rows at `to`. */
function forwardStream(stream: Stream, strip: usize, to: usize): void {
  const fold = stream.fold;
  const x = stream.x + strip * strideOf(stream.inputRows);
  const f = stream.f + strip * strideOf(FEATURES);
  const outer = stream.outer + strip * strideOf(outerRows);
  multiplyRows(x, stream.inputs, fold.inPanels, fold.inStarts, f, FEATURES / 4);
  if (hasNetwork) {
    const eg = stream.eg + strip * strideOf(2 * FEATURES);
    const code = outer + FEATURES * ROW;
    multiplyRows(x, stream.inputs, fold.codePanels, fold.codeStarts, code, CODE / 4);
    relu(code, code, CODE);
    multiplyRows(code, CODE, fold.egPanels, fold.egStarts, eg, (2 * FEATURES) / 4);
    activate(eg, eg + FEATURES * ROW, f, outer, FEATURES);
  } else {
    relu(f, outer, FEATURES);
  }
  multiplyRowsLeaky(outer, outerRows, fold.outPanels, fold.outStarts, to, OUTPUTS / 4, LEAK);
}

/** Forward pass on one strip, up to the head before its tanh. */
export function forwardStrip(strip: usize, windows: usize, count: usize): void {
  const outputRows = OUTPUTS * streamCount;
  const out = outputs + strip * strideOf(outputRows);
  loadWindows(strip, windows, count);
  forwardStream(values, strip, out);
  if (streamCount === 2) forwardStream(differences, strip, out + OUTPUTS * ROW);
  const to = head + strip * strideOf(headRows);
  // With one horizon, the other three rows keep their initial zeros.
  if (horizons === 1) multiplySingleRow(out, outputRows, parameters + headKernel() * 4, headStarts, to);
  else multiplyRows(out, outputRows, headPanels, headStarts, to, headRows / 4);
}
