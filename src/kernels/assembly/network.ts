// The nowcaster network on blocks of samples: its answers, and its loss with gradients. Not: threads, copying, the
// optimiser. One instance of the module serves one spec; the host sees a chunk of samples at a time.
//
// What is saved against computing the network as written:
// - Dense8(Dense64(x)) and Dense32(DenseT64(c)) have no activation between, so each is folded into one product, both
//   ways; the gradients of the folded weights are unfolded once a call (fold.ts).
// - The three layers that read the code share their input, so they are one product with 128 outputs, T being folded.
// - Everything lies in strips of eight samples (products.ts), so that all of it is vector arithmetic.

import { power4, tanh4, tanhSlope4 } from './elementary';
import { CODE, FEATURES, LEAK, OUTPUTS, StreamFold, StreamTable, foldStream, unfoldStream } from './fold';
import { ROW, STRIP, multiplyRows, addRows, packPanels, sumProducts, sumSamples } from './products';

/** Strips whose activations are kept from the forward pass to the sums of weight gradients: they fit the L2 cache. */
const BLOCK: usize = 8;
/** Samples that the host hands over at a time. */
export const CHUNK: usize = 1024;

const LOSS_MAE: i32 = 0;
const LOSS_HUBER: i32 = 1;

let inputLength: usize = 0;
let streamCount: usize = 0;
let hasNetwork: bool = false;
let horizons: usize = 0;
/** Rows that feed the output layer: the features, and with an activation network the code. */
let outerRows: usize = 0;
/** Horizons rounded up to whole panels. */
let headRows: usize = 0;

/** Where one stream's rows and folded weights are. Rows are [strip][...]. */
@unmanaged
class Stream {
  inputs: usize;
  /** Inputs rounded up to an even number; the row past them is zero. */
  inputRows: usize;
  /** Network inputs. */
  x: usize;
  /** Features f; only kept for backward. */
  f: usize;
  /** E then G, E times log2 e; then E and 2^(E f); then the gradients of E and G. */
  eg: usize;
  /** u = G 2^(E f) (or relu f), then the code c. */
  outer: usize;
  /** Gradients of `outer`; then of f and of the code before its relu. */
  outerSlope: usize;
  fold: StreamFold;
}

let values: Stream = changetype<Stream>(0);
let differences: Stream = changetype<Stream>(0);
/** Activated stream outputs, those of both streams; their gradients. */
let outputs: usize = 0;
let outputSlopes: usize = 0;
/** Head before tanh; then the gradient there. */
let head: usize = 0;
let headPanels: usize = 0;
let headStarts: usize = 0;
let headBackPanels: usize = 0;
let zeros: usize = 0;
/** Four bytes a lane: all ones where the lane holds a sample of the batch. */
let laneMask: usize = 0;
let targetRow: usize = 0;
let codeScratch: usize = 0;

/** A StreamTable of the values, one of the differences, then first index of the head's kernel and bias. */
let table: usize = 0;
let parameters: usize = 0;
let gradients: usize = 0;
let sums: usize = 0;
let sumsBytes: usize = 0;
/** The same numbers, added up over groups of samples. */
let totals: usize = 0;
let headSums: usize = 0;
let headBiasSums: usize = 0;
let lossSum: f64 = 0;

let windowsChunk: usize = 0;
let targetsChunk: usize = 0;
let answersChunk: usize = 0;

/** Takes zeroed memory for good, at a whole vector; grows the memory when needed. */
function take(bytes: usize): usize {
  const start = heap.alloc(bytes + 64);
  const aligned = (start + 63) & ~(63);
  memory.fill(aligned, 0, bytes);
  return aligned;
}

/**
 * Bytes from a strip's rows to the next strip's: an odd number of cache lines, so that the same row of several strips
 * does not fall into the same set of the first cache, which would evict them from each other.
 */
function strideOf(rows: usize): usize {
  return (((rows * ROW + 63) >> 6) | 1) << 6;
}

/** Takes memory for the rows of all strips of a block. */
function takeRows(rows: usize): usize {
  return take(BLOCK * strideOf(rows));
}

function makeStream(inputs: usize): Stream {
  const stream = changetype<Stream>(take(offsetof<Stream>()));
  const inputRows = (inputs + 1) & ~1;
  stream.inputs = inputs;
  stream.inputRows = inputRows;
  stream.x = takeRows(inputRows);
  stream.f = takeRows(FEATURES);
  stream.outer = takeRows(outerRows);
  stream.outerSlope = takeRows(outerRows);
  if (hasNetwork) stream.eg = takeRows(2 * FEATURES);
  const fold = changetype<StreamFold>(take(offsetof<StreamFold>()));
  fold.inPanels = take((inputs * FEATURES) * 4);
  fold.outPanels = take((outerRows * OUTPUTS) * 4);
  fold.outBackPanels = take((outerRows * OUTPUTS) * 4);
  fold.outStarts = take(OUTPUTS * 4);
  fold.outKernel = take((outerRows * OUTPUTS) * 4);
  if (hasNetwork) {
    fold.codePanels = take((inputs * CODE) * 4);
    fold.codeStarts = take(CODE * 4);
    fold.expKernel = take(CODE * FEATURES * 4);
    fold.egPanels = take(CODE * 2 * FEATURES * 4);
    fold.egStarts = take(2 * FEATURES * 4);
    fold.egBackPanels = take(CODE * 2 * FEATURES * 4);
    fold.codeKernel = take((inputs * CODE) * 4);
  }
  stream.fold = fold;
  return stream;
}

/** Gives a stream its part of the sums of folded gradients, from `at`; returns the end. */
function placeSums(stream: Stream, at: usize): usize {
  const fold = stream.fold;
  fold.outSums = at;
  at += (outerRows * OUTPUTS) * 4;
  fold.outBiasSums = at;
  at += OUTPUTS * 4;
  fold.inSums = at;
  at += (stream.inputRows * outerRows) * 4;
  fold.inBiasSums = at;
  at += outerRows * 4;
  if (hasNetwork) {
    fold.egSums = at;
    at += CODE * 2 * FEATURES * 4;
    fold.egBiasSums = at;
    at += 2 * FEATURES * 4;
  }
  return at;
}

/**
 * Makes the buffers for a spec. Call once.
 *
 * @param parameterCount length of the flat parameters.
 */
export function configure(length: usize, streams: usize, network: bool, horizonCount: usize, parameterCount: usize): void {
  inputLength = length;
  streamCount = streams;
  hasNetwork = network;
  horizons = horizonCount;
  outerRows = network ? FEATURES + CODE : FEATURES;
  headRows = (horizons + 3) & ~3;

  table = take(2 * offsetof<StreamTable>() + 8);
  parameters = take(parameterCount * 4);
  gradients = take(parameterCount * 4);
  windowsChunk = take((CHUNK * length) * 4);
  targetsChunk = take((CHUNK * horizons) * 4);
  answersChunk = take((CHUNK * horizons) * 4);

  values = makeStream(length);
  if (streams === 2) differences = makeStream(length - 1);
  const outputRows = OUTPUTS * streams;
  outputs = takeRows(outputRows);
  outputSlopes = takeRows(outputRows);
  head = takeRows(headRows);
  headPanels = take((headRows * outputRows) * 4);
  headStarts = take(headRows * 4);
  headBackPanels = take((horizons * outputRows) * 4);
  zeros = take(2 * FEATURES * 4);
  laneMask = take(ROW);
  targetRow = take(ROW);
  codeScratch = take(CODE * ROW);

  // Placed twice: the first time to learn the size.
  const headSize = (headRows * outputRows) * 4;
  sumsBytes = placeAllSums(0) + headSize + headRows * 4;
  sums = take(sumsBytes);
  totals = take(sumsBytes);
  headSums = placeAllSums(sums);
  headBiasSums = headSums + headSize;
}

function placeAllSums(at: usize): usize {
  const end = placeSums(values, at);
  return streamCount === 2 ? placeSums(differences, end) : end;
}

/** Where the host writes the first index of each layer's kernel and bias, in the order of `table`. */
export function tableAt(): usize {
  return table;
}

function valuesTable(): StreamTable {
  return changetype<StreamTable>(table);
}

function differencesTable(): StreamTable {
  return changetype<StreamTable>(table + offsetof<StreamTable>());
}

function headKernel(): usize {
  return load<usize>(table + 2 * offsetof<StreamTable>());
}

function headBias(): usize {
  return load<usize>(table + 2 * offsetof<StreamTable>(), 4);
}

/** Where the host writes the flat parameters. */
export function parametersAt(): usize {
  return parameters;
}

/** Where {@link finish} leaves the gradients, laid out like the parameters. */
export function gradientsAt(): usize {
  return gradients;
}

/** Where the host writes up to CHUNK windows, [count, L]. */
export function windowsAt(): usize {
  return windowsChunk;
}

/** Where the host writes their targets, [count, horizons]. */
export function targetsAt(): usize {
  return targetsChunk;
}

/** Where {@link forward} leaves the answers, [count, horizons]. */
export function answersAt(): usize {
  return answersChunk;
}

/** Where the sums of folded gradients are: what one group of samples hands on. */
export function sumsAt(): usize {
  return sums;
}

/** Bytes of the sums. */
export function sumsLength(): usize {
  return sumsBytes;
}

/** Folds and packs the parameters that the host has written. Call after every change of them. */
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

/** Turns eight row-major windows into the rows of the streams; lanes past `count` repeat the last window. */
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

/** h without its folded part: u = G 2^(E f). Leaves 2^(E f) in place of G, for the way back. */
function activate(f: usize, eg: usize, u: usize): void {
  const half = FEATURES * ROW;
  for (let i: usize = 0; i < half; i += ROW) {
    const g = eg + half + i;
    const a = power4(f32x4.mul(v128.load(eg + i), v128.load(f + i)));
    const b = power4(f32x4.mul(v128.load(eg + i, 16), v128.load(f + i, 16)));
    v128.store(u + i, f32x4.mul(v128.load(g), a));
    v128.store(u + i, f32x4.mul(v128.load(g, 16), b), 16);
    v128.store(g, a);
    v128.store(g, b, 16);
  }
}

function relu(from: usize, to: usize, rows: usize): void {
  const zero = f32x4.splat(0);
  for (let i: usize = 0, end = rows * ROW; i < end; i += 16) {
    // pmax(x, 0) keeps a NaN that stands first.
    v128.store(to + i, f32x4.pmax(v128.load(from + i), zero));
  }
}

function leakyRelu(rows: usize, count: usize): void {
  const leak = f32x4.splat(LEAK);
  for (const end = rows + count * ROW; rows < end; rows += 16) {
    const x = v128.load(rows);
    v128.store(rows, f32x4.pmax(x, f32x4.mul(x, leak)));
  }
}

/** One stream forward on one strip, from its input rows to its 32 output rows at `to`. */
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
    activate(f, eg, outer);
  } else {
    relu(f, outer, FEATURES);
  }
  multiplyRows(outer, outerRows, fold.outPanels, fold.outStarts, to, OUTPUTS / 4);
  leakyRelu(to, OUTPUTS);
}

/** Forward on one strip, as far as the head before its tanh. */
function forwardStrip(strip: usize, windows: usize, count: usize): void {
  const outputRows = OUTPUTS * streamCount;
  const out = outputs + strip * strideOf(outputRows);
  loadWindows(strip, windows, count);
  forwardStream(values, strip, out);
  if (streamCount === 2) forwardStream(differences, strip, out + OUTPUTS * ROW);
  multiplyRows(out, outputRows, headPanels, headStarts, head + strip * strideOf(headRows), headRows / 4);
}

/** Computes the answers for the first `count` windows of the chunk. */
export function forward(count: usize): void {
  for (let first: usize = 0; first < count; first += STRIP) {
    const lanes = min(STRIP, count - first);
    forwardStrip(0, windowsChunk + (first * inputLength) * 4, lanes);
    const answers = answersChunk + (first * horizons) * 4;
    for (let h: usize = 0; h < horizons; h++) {
      const row = head + h * ROW;
      v128.store(row, tanh4(v128.load(row)));
      v128.store(row, tanh4(v128.load(row, 16)), 16);
      for (let lane: usize = 0; lane < lanes; lane++)
        store<f32>(answers + (lane * horizons + h) * 4, load<f32>(row + lane * 4));
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

/** Losses of four answers: their sum goes to the loss, the slope before tanh replaces `pre`. */
// @ts-ignore: decorator
@inline
function lossOf(pre: usize, target: v128, mask: v128, kind: i32): void {
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
  value = v128.and(value, mask);
  lossSum +=
    <f64>f32x4.extract_lane(value, 0) +
    <f64>f32x4.extract_lane(value, 1) +
    <f64>f32x4.extract_lane(value, 2) +
    <f64>f32x4.extract_lane(value, 3);
}

/** The losses of a strip; its head rows become the gradients before tanh. */
function lossStrip(strip: usize, targets: usize, count: usize, kind: i32): void {
  for (let lane: usize = 0; lane < STRIP; lane++) store<i32>(laneMask + lane * 4, lane < count ? -1 : 0);
  for (let h: usize = 0; h < horizons; h++) {
    for (let lane: usize = 0; lane < count; lane++)
      store<f32>(targetRow + lane * 4, load<f32>(targets + (lane * horizons + h) * 4));
    const row = head + strip * strideOf(headRows) + h * ROW;
    lossOf(row, v128.load(targetRow), v128.load(laneMask), kind);
    lossOf(row + 16, v128.load(targetRow, 16), v128.load(laneMask, 16), kind);
  }
}

/** Through the learned activation: gradient of u in `slope` becomes that of f; E and 2^(E f) become those of E and G. */
function deactivate(f: usize, eg: usize, u: usize, slope: usize): void {
  const half = FEATURES * ROW;
  const ln2 = f32x4.splat(0.6931471805599453);
  for (let i: usize = 0; i < half; i += 16) {
    const du = v128.load(slope + i);
    const scale = v128.load(eg + i);
    const g = eg + half + i;
    const dz = f32x4.mul(f32x4.mul(du, ln2), v128.load(u + i));
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

/** One stream backward on one strip, from the gradients of its outputs at `outputSlope` (before leaky relu). */
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

function backwardStrip(strip: usize): void {
  const outputRows = OUTPUTS * streamCount;
  const slope = outputSlopes + strip * strideOf(outputRows);
  const out = outputs + strip * strideOf(outputRows);
  multiplyRows(head + strip * strideOf(headRows), horizons, headBackPanels, zeros, slope, outputRows / 4);
  maskLeakyRelu(slope, out, outputRows);
  backwardStream(values, strip, slope);
  if (streamCount === 2) backwardStream(differences, strip, slope + OUTPUTS * ROW);
}

function sumStream(stream: Stream, strips: usize, outputSlope: usize): void {
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
      lossStrip(strips, targetsChunk + (sample * horizons) * 4, lanes, kind);
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
