// The matrix products of the network, on strips of eight samples.
// A strip is a list of rows; a row holds one quantity for eight samples, so it is 32 bytes, two vectors.
// Eight accumulators (two vectors times four outputs) fit the sixteen registers of x86 together with their operands.
// The inner loops repeat each other's lines: accumulators must be locals to stay in registers, and a function of AssemblyScript
// returns one value, so no function can hold the lines that update all eight.

/** Samples of a strip. */
export const STRIP: usize = 8;
/** Bytes of a row. */
export const ROW: usize = 32;

/** {@link multiplyRowsLeaky}, once in each of the two functions below, which know whether there is a leak. */
// @ts-ignore: decorator
@inline
function multiplyWithLeak(
  input: usize,
  k: usize,
  panels: usize,
  starts: usize,
  output: usize,
  groups: usize,
  leak: f32,
): void {
  for (let group: usize = 0; group < groups; group++) {
    let a0 = v128.load32_splat(starts);
    let a1 = v128.load32_splat(starts, 4);
    let a2 = v128.load32_splat(starts, 8);
    let a3 = v128.load32_splat(starts, 12);
    let b0 = a0;
    let b1 = a1;
    let b2 = a2;
    let b3 = a3;
    let row = input;
    for (const end = input + k * ROW; row < end; row += ROW) {
      const x = v128.load(row);
      const y = v128.load(row, 16);
      let w = v128.load32_splat(panels);
      a0 = f32x4.add(a0, f32x4.mul(x, w));
      b0 = f32x4.add(b0, f32x4.mul(y, w));
      w = v128.load32_splat(panels, 4);
      a1 = f32x4.add(a1, f32x4.mul(x, w));
      b1 = f32x4.add(b1, f32x4.mul(y, w));
      w = v128.load32_splat(panels, 8);
      a2 = f32x4.add(a2, f32x4.mul(x, w));
      b2 = f32x4.add(b2, f32x4.mul(y, w));
      w = v128.load32_splat(panels, 12);
      a3 = f32x4.add(a3, f32x4.mul(x, w));
      b3 = f32x4.add(b3, f32x4.mul(y, w));
      panels += 16;
    }
    if (leak !== 1) {
      const slope = f32x4.splat(leak);
      // pmax keeps a NaN in the first operand.
      a0 = f32x4.pmax(a0, f32x4.mul(a0, slope));
      b0 = f32x4.pmax(b0, f32x4.mul(b0, slope));
      a1 = f32x4.pmax(a1, f32x4.mul(a1, slope));
      b1 = f32x4.pmax(b1, f32x4.mul(b1, slope));
      a2 = f32x4.pmax(a2, f32x4.mul(a2, slope));
      b2 = f32x4.pmax(b2, f32x4.mul(b2, slope));
      a3 = f32x4.pmax(a3, f32x4.mul(a3, slope));
      b3 = f32x4.pmax(b3, f32x4.mul(b3, slope));
    }
    v128.store(output, a0);
    v128.store(output, b0, 16);
    v128.store(output, a1, 32);
    v128.store(output, b1, 48);
    v128.store(output, a2, 64);
    v128.store(output, b2, 80);
    v128.store(output, a3, 96);
    v128.store(output, b3, 112);
    output += 4 * ROW;
    starts += 16;
  }
}

/**
 * `output[j] = start[j] + sum over k of input[k] * weight[k, j]` for `4 * groups` output rows.
 *
 * @param panels weights as `packPanels` writes them: for each four outputs, [k][4].
 * @param starts one number per output.
 */
export function multiplyRows(input: usize, k: usize, panels: usize, starts: usize, output: usize, groups: usize): void {
  multiplyWithLeak(input, k, panels, starts, output, groups, 1);
}

/** {@link multiplyRows}, then leaky relu with slope `leak` below zero. */
export function multiplyRowsLeaky(
  input: usize,
  k: usize,
  panels: usize,
  starts: usize,
  output: usize,
  groups: usize,
  leak: f32,
): void {
  multiplyWithLeak(input, k, panels, starts, output, groups, leak);
}

/**
 * `output = start + sum over k of input[k] * weight[k]` for a single output row; `k` is a multiple of four.
 */
export function multiplySingleRow(input: usize, k: usize, weights: usize, start: usize, output: usize): void {
  const zero = f32x4.splat(0);
  let a0 = v128.load32_splat(start);
  let b0 = a0;
  let a1 = zero;
  let a2 = zero;
  let a3 = zero;
  let b1 = zero;
  let b2 = zero;
  let b3 = zero;
  for (const end = input + k * ROW; input < end; input += 4 * ROW) {
    let w = v128.load32_splat(weights);
    a0 = f32x4.add(a0, f32x4.mul(v128.load(input), w));
    b0 = f32x4.add(b0, f32x4.mul(v128.load(input, 16), w));
    w = v128.load32_splat(weights, 4);
    a1 = f32x4.add(a1, f32x4.mul(v128.load(input, 32), w));
    b1 = f32x4.add(b1, f32x4.mul(v128.load(input, 48), w));
    w = v128.load32_splat(weights, 8);
    a2 = f32x4.add(a2, f32x4.mul(v128.load(input, 64), w));
    b2 = f32x4.add(b2, f32x4.mul(v128.load(input, 80), w));
    w = v128.load32_splat(weights, 12);
    a3 = f32x4.add(a3, f32x4.mul(v128.load(input, 96), w));
    b3 = f32x4.add(b3, f32x4.mul(v128.load(input, 112), w));
    weights += 16;
  }
  v128.store(output, f32x4.add(f32x4.add(a0, a1), f32x4.add(a2, a3)));
  v128.store(output, f32x4.add(f32x4.add(b0, b1), f32x4.add(b2, b3)), 16);
}

/** Adds the rows of `addend` to those of `target`. */
export function addRows(target: usize, addend: usize, rows: usize): void {
  for (const end = target + rows * ROW; target < end; target += ROW, addend += ROW) {
    v128.store(target, f32x4.add(v128.load(target), v128.load(addend)));
    v128.store(target, f32x4.add(v128.load(target, 16), v128.load(addend, 16)), 16);
  }
}

/** The four sums over lanes of four vectors, as one vector. */
// @ts-ignore: decorator
@inline
function sumLanes(a: v128, b: v128, c: v128, d: v128): v128 {
  const ab = f32x4.add(v128.shuffle<f32>(a, b, 0, 4, 1, 5), v128.shuffle<f32>(a, b, 2, 6, 3, 7));
  const cd = f32x4.add(v128.shuffle<f32>(c, d, 0, 4, 1, 5), v128.shuffle<f32>(c, d, 2, 6, 3, 7));
  return f32x4.add(v128.shuffle<f32>(ab, cd, 0, 1, 4, 5), v128.shuffle<f32>(ab, cd, 2, 3, 6, 7));
}

/**
 * `sums[i, j] += sum over samples of a[i] * b[j]`, over `strips` strips.
 *
 * @param aRows even. @param aStride bytes from one strip of `a` to the next.
 * @param bRows a multiple of four. @param bStride likewise for `b`.
 * @param sums [aRows, bRows] row-major.
 */
export function sumProducts(
  a: usize,
  aRows: usize,
  aStride: usize,
  b: usize,
  bRows: usize,
  bStride: usize,
  strips: usize,
  sums: usize,
): void {
  const sumsRow = bRows * 4;
  for (let j: usize = 0; j < bRows; j += 4) {
    for (let i: usize = 0; i < aRows; i += 2) {
      let p0 = f32x4.splat(0);
      let p1 = p0;
      let p2 = p0;
      let p3 = p0;
      let q0 = p0;
      let q1 = p0;
      let q2 = p0;
      let q3 = p0;
      // One vector of each strip, then the other: with both in one iteration V8 runs out of registers.
      let right = b + j * ROW;
      for (let left = a + i * ROW, end = left + strips * aStride; left < end; left += aStride) {
        const x = v128.load(left);
        const y = v128.load(left, 32);
        let z = v128.load(right);
        p0 = f32x4.add(p0, f32x4.mul(x, z));
        q0 = f32x4.add(q0, f32x4.mul(y, z));
        z = v128.load(right, 32);
        p1 = f32x4.add(p1, f32x4.mul(x, z));
        q1 = f32x4.add(q1, f32x4.mul(y, z));
        z = v128.load(right, 64);
        p2 = f32x4.add(p2, f32x4.mul(x, z));
        q2 = f32x4.add(q2, f32x4.mul(y, z));
        z = v128.load(right, 96);
        p3 = f32x4.add(p3, f32x4.mul(x, z));
        q3 = f32x4.add(q3, f32x4.mul(y, z));
        right += bStride;
      }
      right = b + j * ROW + 16;
      for (let left = a + i * ROW + 16, end = left + strips * aStride; left < end; left += aStride) {
        const x = v128.load(left);
        const y = v128.load(left, 32);
        let z = v128.load(right);
        p0 = f32x4.add(p0, f32x4.mul(x, z));
        q0 = f32x4.add(q0, f32x4.mul(y, z));
        z = v128.load(right, 32);
        p1 = f32x4.add(p1, f32x4.mul(x, z));
        q1 = f32x4.add(q1, f32x4.mul(y, z));
        z = v128.load(right, 64);
        p2 = f32x4.add(p2, f32x4.mul(x, z));
        q2 = f32x4.add(q2, f32x4.mul(y, z));
        z = v128.load(right, 96);
        p3 = f32x4.add(p3, f32x4.mul(x, z));
        q3 = f32x4.add(q3, f32x4.mul(y, z));
        right += bStride;
      }
      const to = sums + i * sumsRow + j * 4;
      v128.store(to, f32x4.add(v128.load(to), sumLanes(p0, p1, p2, p3)));
      v128.store(to + sumsRow, f32x4.add(v128.load(to + sumsRow), sumLanes(q0, q1, q2, q3)));
    }
  }
}

/** `sums[i] += sum over samples of a[i]`, over `strips` strips; `rows` is a multiple of four. */
export function sumSamples(a: usize, rows: usize, stride: usize, strips: usize, sums: usize): void {
  for (let i: usize = 0; i < rows; i += 4) {
    let s0 = f32x4.splat(0);
    let s1 = s0;
    let s2 = s0;
    let s3 = s0;
    let row = a + i * ROW;
    for (let strip: usize = 0; strip < strips; strip++) {
      s0 = f32x4.add(s0, f32x4.add(v128.load(row), v128.load(row, 16)));
      s1 = f32x4.add(s1, f32x4.add(v128.load(row, 32), v128.load(row, 48)));
      s2 = f32x4.add(s2, f32x4.add(v128.load(row, 64), v128.load(row, 80)));
      s3 = f32x4.add(s3, f32x4.add(v128.load(row, 96), v128.load(row, 112)));
      row += stride;
    }
    const to = sums + i * 4;
    v128.store(to, f32x4.add(v128.load(to), sumLanes(s0, s1, s2, s3)));
  }
}

/**
 * Copies a weight matrix into panels: for each four outputs, [k][4]. Outputs past `outputs` get zeros.
 *
 * @param kStride bytes between successive k of one output. @param jStride bytes between successive outputs.
 */
export function packPanels(from: usize, k: usize, kStride: usize, outputs: usize, jStride: usize, panels: usize): void {
  for (let j: usize = 0; j < outputs; j += 4) {
    for (let row: usize = 0; row < k; row++) {
      for (let lane: usize = 0; lane < 4; lane++) {
        const value: f32 =
          j + lane < outputs ? load<f32>(from + row * kStride + (j + lane) * jStride) : 0;
        store<f32>(panels, value);
        panels += 4;
      }
    }
  }
}
