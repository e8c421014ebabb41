// The spec of this instance, and the layout of its memory.

import { CODE, FEATURES, OUTPUTS, StreamFold, StreamTable } from './fold';
import { ROW } from '../../../kernels/assembly/products';

/** Strips whose activations are kept from the forward pass to the sums of weight gradients: they fit the L2 cache. */
export const BLOCK: usize = 8;
/** Samples that the host passes at a time. */
export const CHUNK: usize = 1024;

export let inputLength: usize = 0;
export let streamCount: usize = 0;
export let hasNetwork: bool = false;
export let horizons: usize = 0;
/** Input rows of the output layer: the features, and with an activation network the code. */
export let outerRows: usize = 0;
/** Horizons rounded up to whole panels. */
export let headRows: usize = 0;

/** Where one stream's rows and folded weights are. Rows are [strip][...]. */
@unmanaged
export class Stream {
  inputs: usize;
  /** Inputs rounded up to an even number; the row past them is zero. */
  inputRows: usize;
  /** Network inputs. */
  x: usize;
  /** Features f; only kept for backward. */
  f: usize;
  /** E then G; then E and e^(E f); then the gradients of E and G. */
  eg: usize;
  /** u = G e^(E f) (or relu f), then the code c. */
  outer: usize;
  /** Gradients of `outer`; then of f and of the code before its relu. */
  outerSlope: usize;
  fold: StreamFold;
}

export let values: Stream = changetype<Stream>(0);
export let differences: Stream = changetype<Stream>(0);
/** Activated stream outputs, those of both streams; their gradients. */
export let outputs: usize = 0;
export let outputSlopes: usize = 0;
/** Head before tanh; then the gradient there. */
export let head: usize = 0;
export let headPanels: usize = 0;
export let headStarts: usize = 0;
export let headBackPanels: usize = 0;
export let zeros: usize = 0;
/** Four bytes a lane: all ones where the lane holds a sample of the batch. */
export let laneMask: usize = 0;
export let targetRow: usize = 0;
export let codeScratch: usize = 0;

/** A StreamTable of the values, one of the differences, then first index of the head's kernel and bias. */
export let table: usize = 0;
export let parameters: usize = 0;
export let gradients: usize = 0;
export let sums: usize = 0;
export let sumsBytes: usize = 0;
/** The same sums, over groups of samples. */
export let totals: usize = 0;
export let headSums: usize = 0;
export let headBiasSums: usize = 0;

export let windowsChunk: usize = 0;
export let targetsChunk: usize = 0;
export let outputsChunk: usize = 0;

/** Allocates zeroed, vector-aligned memory that is never freed; grows the memory when needed. */
function take(bytes: usize): usize {
  const start = heap.alloc(bytes + 64);
  const aligned = (start + 63) & ~(63);
  memory.fill(aligned, 0, bytes);
  return aligned;
}

/**
 * Bytes from a strip's rows to the next strip's: an odd number of cache lines, so that the same row of several strips
 * maps to different sets of the L1 cache.
 */
export function strideOf(rows: usize): usize {
  return (((rows * ROW + 63) >> 6) | 1) << 6;
}

/** Allocates the rows of all strips of a block. */
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
    fold.egPanels = take(CODE * 2 * FEATURES * 4);
    fold.egStarts = take(2 * FEATURES * 4);
    fold.egBackPanels = take(CODE * 2 * FEATURES * 4);
    fold.codeKernel = take((inputs * CODE) * 4);
  }
  stream.fold = fold;
  return stream;
}

/** Assigns a stream its part of the sums of folded gradients, from `at`; returns the end. */
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

function placeAllSums(at: usize): usize {
  const end = placeSums(values, at);
  return streamCount === 2 ? placeSums(differences, end) : end;
}

/**
 * Allocates the buffers for a spec. Call once.
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
  outputsChunk = take((CHUNK * horizons) * 4);

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

  // Called twice: the first call determines the size.
  const headSize = (headRows * outputRows) * 4;
  sumsBytes = placeAllSums(0) + headSize + headRows * 4;
  sums = take(sumsBytes);
  totals = take(sumsBytes);
  headSums = placeAllSums(sums);
  headBiasSums = headSums + headSize;
}

export function valuesTable(): StreamTable {
  return changetype<StreamTable>(table);
}

export function differencesTable(): StreamTable {
  return changetype<StreamTable>(table + offsetof<StreamTable>());
}

export function headKernel(): usize {
  return load<usize>(table + 2 * offsetof<StreamTable>());
}

export function headBias(): usize {
  return load<usize>(table + 2 * offsetof<StreamTable>(), 4);
}
