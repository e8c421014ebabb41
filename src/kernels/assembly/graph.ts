// Runs the graph of any network on strips of eight samples: its outputs, and its loss with gradients. The host compiles the
// graph to a program (graph/program.ts); one instance of the module serves one network. A family's own kernels can fold
// layers, which this cannot.

import { exp4, tanh4 } from './elementary';
import { addRows, multiplyRows, packPanels, ROW, STRIP, sumProducts, sumSamples } from './products';

/** Strips whose rows are kept from the forward pass to the sums of weight gradients. */
const BLOCK: usize = 8;
/** Samples that the host passes at a time. */
const CHUNK: usize = 1024;

/** Codes of the instructions, as in graph/program.ts. */
const INPUT: u32 = 0;
const DIFFERENCES: u32 = 1;
const DENSE: u32 = 2;
const RELU: u32 = 3;
const EXP: u32 = 4;
const TANH: u32 = 5;
const LEAKY_RELU: u32 = 6;
const MULTIPLY: u32 = 7;
const ADD: u32 = 8;
const COPY: u32 = 9;

/** What becomes of the gradient of an operand: nothing, it is the first to be stored, or it is added. */
const NO_SLOPE: u32 = 0;
const ADD_SLOPE: u32 = 2;

/** One instruction. The first fields are the host's; rows count from the first of a strip. */
@unmanaged
class Instruction {
  code: u32;
  /** First row and number of rows of the result. */
  to: u32;
  rows: u32;
  /** First rows of the operands; of an input, its first column in a sample. */
  a: u32;
  b: u32;
  /** Rows of the first operand. */
  aRows: u32;
  /** See NO_SLOPE, for each operand. */
  aSlope: u32;
  bSlope: u32;
  /** Leaky relu: bits of the slope. Dense: RELU or TANH, or 0 for no activation. */
  detail: u32;
  /** First index of kernel and bias in the flat parameters. */
  kernel: u32;
  bias: u32;
  panels: usize;
  starts: usize;
  backPanels: usize;
  sums: usize;
  biasSums: usize;
}

let program: usize = 0;
let programEnd: usize = 0;
let inputWidth: usize = 0;
let outputWidth: usize = 0;
let outputRow: usize = 0;
/** Values of all operations, and their gradients, [strip][row]. */
let rows: usize = 0;
let slopes: usize = 0;
let stride: usize = 0;
let scratch: usize = 0;
let zeros: usize = 0;
/** Four bytes a lane: all ones where the lane holds a sample of the batch. */
let laneMask: usize = 0;
let targetRow: usize = 0;
let parameters: usize = 0;
let gradients: usize = 0;
let gradientsEnd: usize = 0;
let sums: usize = 0;
let sumsBytes: usize = 0;
let totals: usize = 0;
let inputsChunk: usize = 0;
let targetsChunk: usize = 0;
let outputsChunk: usize = 0;
let lossSum: f64 = 0;

const SIZE: usize = offsetof<Instruction>();

/** Allocates zeroed, cache-line-aligned memory that is never freed. */
function take(bytes: usize): usize {
  const start = heap.alloc(bytes + 64);
  const aligned = (start + 63) & ~63;
  memory.fill(aligned, 0, bytes);
  return aligned;
}

// @ts-ignore: decorator
@inline
function padded(count: usize): usize {
  return (count + 3) & ~3;
}

/** Allocates room for a program. */
export function allocate(instructions: usize): void {
  program = take(instructions * SIZE);
  programEnd = program + instructions * SIZE;
}

/** Where the host writes the instructions. */
export function programAt(): usize {
  return program;
}

/** Bytes from one instruction to the next. */
export function instructionBytes(): usize {
  return SIZE;
}

/**
 * Allocates the buffers of the program that the host has written. Call once.
 *
 * @param rowCount rows of a strip, all operations together. @param widest rows of the widest operation.
 */
export function configure(
  inputs: usize,
  outputs: usize,
  outputAt: usize,
  rowCount: usize,
  widest: usize,
  parameterCount: usize,
): void {
  inputWidth = inputs;
  outputWidth = outputs;
  outputRow = outputAt;
  // An odd number of cache lines: the same row of several strips maps to different sets of the L1 cache.
  stride = (((rowCount * ROW + 63) >> 6) | 1) << 6;
  rows = take(BLOCK * stride);
  slopes = take(BLOCK * stride);
  scratch = take(padded(widest) * ROW);
  zeros = take(padded(widest) * 4);
  laneMask = take(ROW);
  targetRow = take(ROW);
  parameters = take(parameterCount * 4);
  gradients = take(parameterCount * 4);
  gradientsEnd = gradients + parameterCount * 4;
  inputsChunk = take(CHUNK * inputs * 4);
  targetsChunk = take(CHUNK * outputs * 4);
  outputsChunk = take(CHUNK * outputs * 4);
  for (let at = program; at < programEnd; at += SIZE) {
    const it = changetype<Instruction>(at);
    if (it.code !== DENSE) continue;
    const k = padded(it.aRows);
    const units = padded(it.rows);
    it.panels = take(<usize>it.aRows * units * 4);
    it.starts = take(units * 4);
    it.backPanels = take(<usize>it.rows * k * 4);
    it.sums = sumsBytes;
    sumsBytes += k * units * 4;
    it.biasSums = sumsBytes;
    sumsBytes += units * 4;
  }
  sums = take(sumsBytes);
  totals = take(sumsBytes);
  for (let at = program; at < programEnd; at += SIZE) {
    const it = changetype<Instruction>(at);
    it.sums += sums;
    it.biasSums += sums;
  }
}

/** Where the host writes the flat parameters. */
export function parametersAt(): usize {
  return parameters;
}

/** Where {@link finish} writes the gradients, laid out like the parameters. */
export function gradientsAt(): usize {
  return gradients;
}

/** Where the host writes up to CHUNK samples, [count, input width]. */
export function inputsAt(): usize {
  return inputsChunk;
}

/** Where the host writes their targets, [count, output width]. */
export function targetsAt(): usize {
  return targetsChunk;
}

/** Where {@link forward} writes the outputs, [count, output width]. */
export function outputsAt(): usize {
  return outputsChunk;
}

/** Where the sums of gradients of a group are. */
export function sumsAt(): usize {
  return sums;
}

/** Bytes of the sums. */
export function sumsLength(): usize {
  return sumsBytes;
}

/** Packs the parameters that the host has written. Call it after every change. */
export function prepare(): void {
  for (let at = program; at < programEnd; at += SIZE) {
    const it = changetype<Instruction>(at);
    if (it.code !== DENSE) continue;
    const kernel = parameters + (<usize>it.kernel << 2);
    const row = <usize>it.rows * 4;
    packPanels(kernel, it.aRows, row, it.rows, 4, it.panels);
    if (it.aSlope !== NO_SLOPE) packPanels(kernel, it.rows, 4, it.aRows, row, it.backPanels);
    memory.copy(it.starts, parameters + (<usize>it.bias << 2), row);
  }
}

/** Transposes columns of eight row-major samples into rows; lanes past `count` repeat the last sample. */
function loadInput(to: usize, samples: usize, column: usize, columns: usize, count: usize): void {
  for (let lane: usize = 0; lane < STRIP; lane++) {
    let from = samples + (min(lane, count - 1) * inputWidth + column) * 4;
    let at = to + lane * 4;
    for (let i: usize = 0; i < columns; i++, at += ROW, from += 4) store<f32>(at, load<f32>(from));
  }
}

/** Applies an activation to rows, from `from` to `to`, which may be the same. */
function activate(code: u32, from: usize, to: usize, count: usize, detail: u32): void {
  const zero = f32x4.splat(0);
  const bytes = count * ROW;
  if (code === RELU) {
    // pmax(x, 0) keeps a NaN in the first operand.
    for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, f32x4.pmax(v128.load(from + i), zero));
  } else if (code === EXP) {
    for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, exp4(v128.load(from + i)));
  } else if (code === TANH) {
    for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, tanh4(v128.load(from + i)));
  } else {
    const leak = f32x4.splat(reinterpret<f32>(detail));
    for (let i: usize = 0; i < bytes; i += 16) {
      const x = v128.load(from + i);
      v128.store(to + i, v128.bitselect(f32x4.mul(x, leak), x, f32x4.lt(x, zero)));
    }
  }
}

/** Forward pass on one strip. */
function forwardStrip(strip: usize, samples: usize, count: usize): void {
  const base = rows + strip * stride;
  for (let at = program; at < programEnd; at += SIZE) {
    const it = changetype<Instruction>(at);
    const to = base + <usize>it.to * ROW;
    const a = base + <usize>it.a * ROW;
    const bytes = <usize>it.rows * ROW;
    switch (it.code) {
      case INPUT:
        loadInput(to, samples, it.a, it.rows, count);
        break;
      case DIFFERENCES:
        for (let i: usize = 0; i < bytes; i += 16)
          v128.store(to + i, f32x4.sub(v128.load(a + i, ROW), v128.load(a + i)));
        break;
      case DENSE:
        multiplyRows(a, it.aRows, it.panels, it.starts, to, padded(it.rows) / 4);
        if (it.detail !== 0) activate(it.detail, to, to, it.rows, 0);
        break;
      case MULTIPLY: {
        const b = base + <usize>it.b * ROW;
        for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, f32x4.mul(v128.load(a + i), v128.load(b + i)));
        break;
      }
      case ADD: {
        const b = base + <usize>it.b * ROW;
        for (let i: usize = 0; i < bytes; i += 16) v128.store(to + i, f32x4.add(v128.load(a + i), v128.load(b + i)));
        break;
      }
      case COPY:
        memory.copy(to, a, bytes);
        break;
      default:
        activate(it.code, a, to, it.rows, it.detail);
    }
  }
}

/** Computes the outputs for the first `count` samples of the chunk. */
export function forward(count: usize): void {
  for (let first: usize = 0; first < count; first += STRIP) {
    const lanes = min(STRIP, count - first);
    forwardStrip(0, inputsChunk + first * inputWidth * 4, lanes);
    for (let lane: usize = 0; lane < lanes; lane++) {
      const to = outputsChunk + (first + lane) * outputWidth * 4;
      for (let h: usize = 0; h < outputWidth; h++)
        store<f32>(to + h * 4, load<f32>(rows + (outputRow + h) * ROW + lane * 4));
    }
  }
}

const LOSS_MAE: i32 = 0;
const LOSS_HUBER: i32 = 1;

/** The losses of four outputs; their gradients go to `slope`. */
// @ts-ignore: decorator
@inline
function lossOf(output: v128, target: v128, mask: v128, kind: i32, slope: usize): v128 {
  const one = f32x4.splat(1);
  const zero = f32x4.splat(0);
  const difference = f32x4.sub(output, target);
  let value: v128;
  let by: v128;
  if (kind === LOSS_MAE) {
    value = f32x4.abs(difference);
    by = f32x4.sub(v128.and(f32x4.gt(difference, zero), one), v128.and(f32x4.lt(difference, zero), one));
  } else if (kind === LOSS_HUBER) {
    by = f32x4.pmin(f32x4.pmax(difference, f32x4.splat(-1)), one);
    value = f32x4.mul(by, f32x4.sub(difference, f32x4.mul(by, f32x4.splat(0.5))));
  } else {
    value = f32x4.mul(difference, difference);
    by = f32x4.add(difference, difference);
  }
  v128.store(slope, v128.and(by, mask));
  return v128.and(value, mask);
}

/** The sum of a strip's losses; writes the gradients of the outputs. */
function lossStrip(strip: usize, targets: usize, count: usize, kind: i32): f64 {
  let sum: f64 = 0;
  for (let lane: usize = 0; lane < STRIP; lane++) store<i32>(laneMask + lane * 4, lane < count ? -1 : 0);
  for (let h: usize = 0; h < outputWidth; h++) {
    for (let lane: usize = 0; lane < count; lane++)
      store<f32>(targetRow + lane * 4, load<f32>(targets + (lane * outputWidth + h) * 4));
    const offset = strip * stride + (outputRow + h) * ROW;
    const out = rows + offset;
    const slope = slopes + offset;
    const low = lossOf(v128.load(out), v128.load(targetRow), v128.load(laneMask), kind, slope);
    const high = lossOf(v128.load(out, 16), v128.load(targetRow, 16), v128.load(laneMask, 16), kind, slope + 16);
    const both = f32x4.add(low, high);
    sum += <f64>f32x4.extract_lane(both, 0) + <f64>f32x4.extract_lane(both, 1);
    sum += <f64>f32x4.extract_lane(both, 2) + <f64>f32x4.extract_lane(both, 3);
  }
  return sum;
}

/** The gradient before an activation from the one behind it; `out` is the result. */
// @ts-ignore: decorator
@inline
function slopeOf(code: u32, slope: v128, out: v128, leak: v128): v128 {
  if (code === RELU) return v128.and(slope, f32x4.gt(out, f32x4.splat(0)));
  if (code === EXP) return f32x4.mul(slope, out);
  if (code === TANH) return f32x4.mul(slope, f32x4.sub(f32x4.splat(1), f32x4.mul(out, out)));
  return v128.bitselect(f32x4.mul(slope, leak), slope, f32x4.lt(out, f32x4.splat(0)));
}

/** Stores or adds a gradient. */
// @ts-ignore: decorator
@inline
function put(to: usize, slope: v128, mode: u32): void {
  v128.store(to, mode === ADD_SLOPE ? f32x4.add(v128.load(to), slope) : slope);
}

/** Backward through a dense layer: its own gradients become those before the activation. */
function backwardDense(it: Instruction, out: usize, slope: usize, aSlope: usize): void {
  const zero = f32x4.splat(0);
  if (it.detail !== 0) {
    for (let i: usize = 0, bytes = <usize>it.rows * ROW; i < bytes; i += 16)
      v128.store(slope + i, slopeOf(it.detail, v128.load(slope + i), v128.load(out + i), zero));
  }
  if (it.aSlope === NO_SLOPE) return;
  const groups = padded(it.aRows) / 4;
  if (it.aSlope !== ADD_SLOPE) {
    multiplyRows(slope, it.rows, it.backPanels, zeros, aSlope, groups);
    return;
  }
  multiplyRows(slope, it.rows, it.backPanels, zeros, scratch, groups);
  addRows(aSlope, scratch, it.aRows);
}

/** Backward pass on one strip, from the gradients that `lossStrip` writes. */
function backwardStrip(strip: usize): void {
  const base = rows + strip * stride;
  const slopeBase = slopes + strip * stride;
  for (let at = programEnd - SIZE; at >= program; at -= SIZE) {
    const it = changetype<Instruction>(at);
    const out = base + <usize>it.to * ROW;
    const slope = slopeBase + <usize>it.to * ROW;
    const aSlope = slopeBase + <usize>it.a * ROW;
    if (it.code === DENSE) {
      backwardDense(it, out, slope, aSlope);
      continue;
    }
    if (it.code === INPUT) continue;
    const bytes = <usize>it.rows * ROW;
    if (it.code === MULTIPLY || it.code === ADD) {
      const a = base + <usize>it.a * ROW;
      const b = base + <usize>it.b * ROW;
      const bSlope = slopeBase + <usize>it.b * ROW;
      const product = it.code === MULTIPLY;
      for (let i: usize = 0; i < bytes; i += 16) {
        const s = v128.load(slope + i);
        if (it.aSlope !== NO_SLOPE) put(aSlope + i, product ? f32x4.mul(s, v128.load(b + i)) : s, it.aSlope);
        if (it.bSlope !== NO_SLOPE) put(bSlope + i, product ? f32x4.mul(s, v128.load(a + i)) : s, it.bSlope);
      }
      continue;
    }
    if (it.aSlope === NO_SLOPE) continue;
    if (it.code === DIFFERENCES) {
      if (it.aSlope !== ADD_SLOPE) memory.fill(aSlope, 0, bytes + ROW);
      for (let i: usize = 0; i < bytes; i += 16) {
        const s = v128.load(slope + i);
        v128.store(aSlope + i, f32x4.sub(v128.load(aSlope + i), s));
        v128.store(aSlope + i + ROW, f32x4.add(v128.load(aSlope + i + ROW), s));
      }
    } else if (it.code === COPY) {
      for (let i: usize = 0; i < bytes; i += 16) put(aSlope + i, v128.load(slope + i), it.aSlope);
    } else {
      const leak = f32x4.splat(reinterpret<f32>(it.detail));
      for (let i: usize = 0; i < bytes; i += 16)
        put(aSlope + i, slopeOf(it.code, v128.load(slope + i), v128.load(out + i), leak), it.aSlope);
    }
  }
}

/** Sets the sums of gradients and of the loss to zero: a new group of samples starts. */
export function reset(): void {
  memory.fill(sums, 0, sumsBytes);
  lossSum = 0;
}

/** The loss of the samples since {@link reset}, summed over samples and outputs. */
export function loss(): f64 {
  return lossSum;
}

/** Adds the loss and the gradients of the first `count` samples of the chunk to the sums. */
export function accumulate(count: usize, kind: i32): void {
  for (let first: usize = 0; first < count; first += BLOCK * STRIP) {
    let strips: usize = 0;
    for (; strips < BLOCK && first + strips * STRIP < count; strips++) {
      const sample = first + strips * STRIP;
      const lanes = min(STRIP, count - sample);
      forwardStrip(strips, inputsChunk + sample * inputWidth * 4, lanes);
      lossSum += lossStrip(strips, targetsChunk + sample * outputWidth * 4, lanes, kind);
      backwardStrip(strips);
    }
    for (let at = program; at < programEnd; at += SIZE) {
      const it = changetype<Instruction>(at);
      if (it.code !== DENSE) continue;
      const a = rows + <usize>it.a * ROW;
      const slope = slopes + <usize>it.to * ROW;
      sumProducts(a, padded(it.aRows), stride, slope, padded(it.rows), stride, strips, it.sums);
      sumSamples(slope, padded(it.rows), stride, strips, it.biasSums);
    }
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
 * Writes the totals as gradients of the parameters, times `scale`.
 *
 * @returns whether all of them are finite.
 */
export function finish(scale: f32): bool {
  const shift = totals - sums;
  for (let at = program; at < programEnd; at += SIZE) {
    const it = changetype<Instruction>(at);
    if (it.code !== DENSE) continue;
    const row = <usize>it.rows * 4;
    const to = gradients + (<usize>it.kernel << 2);
    const from = it.sums + shift;
    for (let i: usize = 0, count = <usize>it.aRows; i < count; i++)
      memory.copy(to + i * row, from + i * padded(it.rows) * 4, row);
    memory.copy(gradients + (<usize>it.bias << 2), it.biasSums + shift, row);
  }
  let check: f32 = 0;
  for (let at = gradients; at < gradientsEnd; at += 4) {
    const gradient = load<f32>(at) * scale;
    check += gradient * 0;
    store<f32>(at, gradient);
  }
  return check === 0;
}
