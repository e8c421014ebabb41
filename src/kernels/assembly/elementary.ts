// exp and tanh of four numbers at once, by polynomial, within 1e-6 of the true value relatively. Not: anything else.
// Method: Cody and Waite's reduction by multiples of ln 2; the coefficients are our own minimax fits.

/**
 * The constants of exp: its lowest argument (below, it is no longer a normal float32), its highest (above, the power of
 * two leaves the range), log2(e), the number whose addition rounds to whole numbers, ln 2 in two parts, the polynomial
 * from its highest power down, 1. They stand in memory because V8 loads a vector constant from there by one
 * instruction, and composes a constant in the code by three, each time.
 */
const EXP = memory.data<f32>([
  -87.3, 88.0, 1.4426950408889634, 12582912.0, 0.693359375, -2.12194440e-4, 0.008312501431789973, 0.041890332182788766,
  0.1666711538958329, 0.4999923030490132, 1.0,
]);

/** exp, with the argument clamped to [-87.3, 88]: never infinite, never zero. NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function exp4(z: v128): v128 {
  // pmax and pmin keep a NaN that stands first.
  const x = f32x4.pmin(f32x4.pmax(z, v128.load32_splat(EXP)), v128.load32_splat(EXP, 4));
  const rounder = v128.load32_splat(EXP, 12);
  const rounded = f32x4.add(f32x4.mul(x, v128.load32_splat(EXP, 8)), rounder);
  const n = f32x4.sub(rounded, rounder);
  const r = f32x4.sub(
    f32x4.sub(x, f32x4.mul(n, v128.load32_splat(EXP, 16))),
    f32x4.mul(n, v128.load32_splat(EXP, 20)),
  );
  let p = f32x4.add(f32x4.mul(r, v128.load32_splat(EXP, 24)), v128.load32_splat(EXP, 28));
  p = f32x4.add(f32x4.mul(p, r), v128.load32_splat(EXP, 32));
  p = f32x4.add(f32x4.mul(p, r), v128.load32_splat(EXP, 36));
  p = f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r);
  const one = v128.load32_splat(EXP, 40);
  p = f32x4.add(p, one);
  const power = i32x4.add(i32x4.shl(rounded, 23), one);
  return f32x4.mul(p, power);
}

/** 1 / (1 + exp(2 |x|)): from it, without cancellation, tanh |x| = 1 - 2q and its slope 4q (1 - q). */
// @ts-ignore: decorator
@inline
function complement4(x: v128): v128 {
  const size = f32x4.abs(x);
  return f32x4.div(f32x4.splat(1.0), f32x4.add(exp4(f32x4.add(size, size)), f32x4.splat(1.0)));
}

/** tanh: odd polynomial below 0.625 in size, by exp above. NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function tanh4(x: v128): v128 {
  const square = f32x4.mul(x, x);
  let p = f32x4.add(f32x4.mul(square, f32x4.splat(-0.005704984002911518)), f32x4.splat(0.020639084646443324));
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(-0.05373971431347876));
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(0.13331442189202192));
  p = f32x4.add(f32x4.mul(p, square), f32x4.splat(-0.33333281941690435));
  const small = f32x4.add(x, f32x4.mul(f32x4.mul(p, square), x));
  const q = complement4(x);
  const big = f32x4.sub(f32x4.splat(1.0), f32x4.add(q, q));
  const sign = v128.and(x, i32x4.splat(0x80000000));
  return v128.bitselect(small, v128.or(big, sign), f32x4.lt(f32x4.abs(x), f32x4.splat(0.625)));
}

/** The derivative of tanh at x; it stays exact where tanh itself has rounded to 1. */
// @ts-ignore: decorator
@inline
export function tanhSlope4(x: v128): v128 {
  const q = complement4(x);
  return f32x4.mul(f32x4.mul(f32x4.splat(4.0), q), f32x4.sub(f32x4.splat(1.0), q));
}
