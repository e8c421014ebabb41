// Folds weights into products once per call, and unfolds their gradients. Nothing here is per sample.
// With the activation network, a stream is: c = relu(x A + a), A = Win Wcode, a = bin Wcode + bcode; f = x Win + bin;
// u = (c Wmul + bmul) * e^((c Wexp + bexp) f); o = leakyRelu([u, c] B + b), B = [Wout; Wadd Wout],
// b = badd Wout + bout. Without it: o = leakyRelu(relu(f) Wout + bout).

import { packPanels } from '../../../kernels/assembly/products';

export const FEATURES: usize = 64;
export const CODE: usize = 8;
export const OUTPUTS: usize = 32;
export const LEAK: f32 = 0.3;

/** First index of each kernel and bias of a stream in the flat parameters. Without a network, only in and out count. */
@unmanaged
export class StreamTable {
  inKernel: usize;
  inBias: usize;
  codeKernel: usize;
  codeBias: usize;
  expKernel: usize;
  expBias: usize;
  mulKernel: usize;
  mulBias: usize;
  addKernel: usize;
  addBias: usize;
  outKernel: usize;
  outBias: usize;
}

/** The packed weights of a stream (`panels` as in products.ts, `starts` one number per output) and its sums. */
@unmanaged
export class StreamFold {
  inPanels: usize;
  inStarts: usize;
  codePanels: usize;
  codeStarts: usize;
  egPanels: usize;
  egStarts: usize;
  egBackPanels: usize;
  outPanels: usize;
  outStarts: usize;
  outBackPanels: usize;
  /** A and B before they are packed. */
  codeKernel: usize;
  outKernel: usize;

  /** x^T times the gradients of [f, code before relu]. */
  inSums: usize;
  inBiasSums: usize;
  /** c^T times the gradients of [E, G]. */
  egSums: usize;
  egBiasSums: usize;
  /** [u, c]^T times the gradients of the outputs. */
  outSums: usize;
  outBiasSums: usize;
}

/** `to[j] = start[j] + sum over i of row[i * rowStride] * matrix[i, j]`, `columns` a multiple of four. */
function multiplyRow(
  row: usize,
  rowStride: usize,
  count: usize,
  matrix: usize,
  columns: usize,
  start: usize,
  to: usize,
): void {
  const matrixRow = columns * 4;
  for (let j: usize = 0; j < matrixRow; j += 16) {
    let sum = v128.load(start + j);
    let at = row;
    let from = matrix + j;
    for (let i: usize = 0; i < count; i++) {
      sum = f32x4.add(sum, f32x4.mul(v128.load32_splat(at), v128.load(from)));
      at += rowStride;
      from += matrixRow;
    }
    v128.store(to + j, sum);
  }
}

/** `to[i] = sum over j of row[j] * matrix[i, j]`: a row times a transposed matrix; `columns` as above. */
function multiplyRowTransposed(row: usize, columns: usize, matrix: usize, rows: usize, to: usize): void {
  for (let i: usize = 0; i < rows; i++) {
    let sum = f32x4.splat(0);
    for (let j: usize = 0, end = columns * 4; j < end; j += 16)
      sum = f32x4.add(sum, f32x4.mul(v128.load(row + j), v128.load(matrix + j)));
    const low = f32x4.extract_lane(sum, 0) + f32x4.extract_lane(sum, 1);
    store<f32>(to, low + (f32x4.extract_lane(sum, 2) + f32x4.extract_lane(sum, 3)));
    matrix += columns * 4;
    to += 4;
  }
}

/** Folds and packs one stream's parameters. */
export function foldStream(
  fold: StreamFold,
  table: StreamTable,
  parameters: usize,
  inputs: usize,
  hasNetwork: bool,
  zeros: usize,
): void {
  const inKernel = parameters + table.inKernel * 4;
  const inBias = parameters + table.inBias * 4;
  const outKernel = parameters + table.outKernel * 4;
  const outBias = parameters + table.outBias * 4;
  const outputRow = OUTPUTS * 4;
  const featureRow = FEATURES * 4;
  fold.inStarts = inBias;
  packPanels(inKernel, inputs, featureRow, FEATURES, 4, fold.inPanels);
  memory.copy(fold.outKernel, outKernel, FEATURES * outputRow);
  if (!hasNetwork) {
    memory.copy(fold.outStarts, outBias, outputRow);
    packPanels(fold.outKernel, FEATURES, outputRow, OUTPUTS, 4, fold.outPanels);
    packPanels(fold.outKernel, OUTPUTS, 4, FEATURES, outputRow, fold.outBackPanels);
    return;
  }

  const codeKernel = parameters + table.codeKernel * 4;
  const codeRow = CODE * 4;
  for (let i: usize = 0; i < inputs; i++)
    multiplyRow(inKernel + i * featureRow, 4, FEATURES, codeKernel, CODE, zeros, fold.codeKernel + i * codeRow);
  const codeBias = parameters + table.codeBias * 4;
  multiplyRow(inBias, 4, FEATURES, codeKernel, CODE, codeBias, fold.codeStarts);
  packPanels(fold.codeKernel, inputs, codeRow, CODE, 4, fold.codePanels);

  const expKernel = parameters + table.expKernel * 4;
  const mulKernel = parameters + table.mulKernel * 4;
  const halfPanels = CODE * featureRow;
  packPanels(expKernel, CODE, featureRow, FEATURES, 4, fold.egPanels);
  packPanels(mulKernel, CODE, featureRow, FEATURES, 4, fold.egPanels + halfPanels);
  memory.copy(fold.egStarts, parameters + table.expBias * 4, featureRow);
  memory.copy(fold.egStarts + featureRow, parameters + table.mulBias * 4, featureRow);
  // Two panels of 128 inputs each; the first 64 of a panel are those of E.
  for (let panel: usize = 0; panel < CODE / 4; panel++) {
    const to = fold.egBackPanels + panel * 2 * FEATURES * 16;
    packPanels(expKernel + panel * 4 * featureRow, FEATURES, 4, 4, featureRow, to);
    packPanels(mulKernel + panel * 4 * featureRow, FEATURES, 4, 4, featureRow, to + FEATURES * 16);
  }

  const addKernel = parameters + table.addKernel * 4;
  const folded = fold.outKernel + FEATURES * outputRow;
  for (let i: usize = 0; i < CODE; i++)
    multiplyRow(addKernel + i * featureRow, 4, FEATURES, outKernel, OUTPUTS, zeros, folded + i * outputRow);
  multiplyRow(parameters + table.addBias * 4, 4, FEATURES, outKernel, OUTPUTS, outBias, fold.outStarts);
  packPanels(fold.outKernel, FEATURES + CODE, outputRow, OUTPUTS, 4, fold.outPanels);
  packPanels(fold.outKernel, OUTPUTS, 4, FEATURES + CODE, outputRow, fold.outBackPanels);
}

/** Unfolds one stream's sums into the gradients of its parameters. */
export function unfoldStream(
  fold: StreamFold,
  table: StreamTable,
  parameters: usize,
  gradients: usize,
  inputs: usize,
  hasNetwork: bool,
): void {
  const featureRow = FEATURES * 4;
  const outputRow = OUTPUTS * 4;
  const inGradient = gradients + table.inKernel * 4;
  const inBiasGradient = gradients + table.inBias * 4;
  const outGradient = gradients + table.outKernel * 4;
  memory.copy(gradients + table.outBias * 4, fold.outBiasSums, outputRow);
  if (!hasNetwork) {
    memory.copy(inGradient, fold.inSums, inputs * featureRow);
    memory.copy(inBiasGradient, fold.inBiasSums, featureRow);
    memory.copy(outGradient, fold.outSums, FEATURES * outputRow);
    return;
  }

  // Output layer and the add layer folded into it.
  const codeSums = fold.outSums + FEATURES * outputRow;
  const addKernel = parameters + table.addKernel * 4;
  const addBias = parameters + table.addBias * 4;
  const outKernel = parameters + table.outKernel * 4;
  for (let i: usize = 0; i < FEATURES; i++) {
    const to = outGradient + i * outputRow;
    multiplyRow(addKernel + i * 4, featureRow, CODE, codeSums, OUTPUTS, fold.outSums + i * outputRow, to);
    const bias = v128.load32_splat(addBias + i * 4);
    for (let j: usize = 0; j < outputRow; j += 16)
      v128.store(to + j, f32x4.add(v128.load(to + j), f32x4.mul(bias, v128.load(fold.outBiasSums + j))));
  }
  const addGradient = gradients + table.addKernel * 4;
  for (let k: usize = 0; k < CODE; k++)
    multiplyRowTransposed(codeSums + k * outputRow, OUTPUTS, outKernel, FEATURES, addGradient + k * featureRow);
  multiplyRowTransposed(fold.outBiasSums, OUTPUTS, outKernel, FEATURES, gradients + table.addBias * 4);

  // The layers of E and G.
  for (let k: usize = 0; k < CODE; k++) {
    const from = fold.egSums + k * 2 * featureRow;
    memory.copy(gradients + table.expKernel * 4 + k * featureRow, from, featureRow);
    memory.copy(gradients + table.mulKernel * 4 + k * featureRow, from + featureRow, featureRow);
  }
  memory.copy(gradients + table.expBias * 4, fold.egBiasSums, featureRow);
  memory.copy(gradients + table.mulBias * 4, fold.egBiasSums + featureRow, featureRow);

  // The code layer folded with the input layer. A row of inSums is 64 features, then 8 of the code.
  const inKernel = parameters + table.inKernel * 4;
  const inBias = parameters + table.inBias * 4;
  const codeKernel = parameters + table.codeKernel * 4;
  const codeGradient = gradients + table.codeKernel * 4;
  const sumsRow = featureRow + CODE * 4;
  const codeBiasSums = fold.inBiasSums + featureRow;
  memory.copy(gradients + table.codeBias * 4, codeBiasSums, CODE * 4);
  for (let i: usize = 0; i < FEATURES; i++) {
    const bias = v128.load32_splat(inBias + i * 4);
    const to = codeGradient + i * CODE * 4;
    for (let half: usize = 0; half < CODE * 4; half += 16) {
      let sum = f32x4.mul(bias, v128.load(codeBiasSums + half));
      for (let r: usize = 0; r < inputs; r++) {
        const weight = v128.load32_splat(inKernel + r * featureRow + i * 4);
        sum = f32x4.add(sum, f32x4.mul(weight, v128.load(fold.inSums + r * sumsRow + featureRow + half)));
      }
      v128.store(to + half, sum);
    }
  }
  for (let r: usize = 0; r < inputs; r++) {
    const from = fold.inSums + r * sumsRow;
    const to = inGradient + r * featureRow;
    multiplyRowTransposed(from + featureRow, CODE, codeKernel, FEATURES, to);
    addVector(to, from, FEATURES);
  }
  multiplyRowTransposed(codeBiasSums, CODE, codeKernel, FEATURES, inBiasGradient);
  addVector(inBiasGradient, fold.inBiasSums, FEATURES);
}

function addVector(target: usize, addend: usize, count: usize): void {
  for (let i: usize = 0, end = count * 4; i < end; i += 16)
    v128.store(target + i, f32x4.add(v128.load(target + i), v128.load(addend + i)));
}
