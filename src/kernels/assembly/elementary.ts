// Powers of two and tanh of four numbers at once, by polynomial, within 1e-6 of the true value relatively. Not: anything
// else. exp x is taken as 2^(x log2 e), whose factor the network has in its weights (fold.ts). The coefficients are our
// own minimax fits.

/**
 * The constants of the power: lowest and highest exponent, the number whose addition rounds to whole numbers, the
 * polynomial from its highest power down to 1. They stand in memory because V8 loads a vector constant from there by
 * one instruction, and composes a constant in the code by three, each time.
 */
const POWER = memory.data<f32>([
  -125, 127, 12582912, 0.001326472725589752, 0.009671512700166482, 0.05550733743663006, 0.24022242084451034,
  0.6931469775986013, 1,
]);

/** 2^x, with the exponent held to [-125, 127]: below, it is no normal float32, above, infinite. NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function power4(exponent: v128): v128 {
  // pmax and pmin keep a NaN that stands first.
  const x = f32x4.pmin(f32x4.pmax(exponent, v128.load32_splat(POWER)), v128.load32_splat(POWER, 4));
  const rounder = v128.load32_splat(POWER, 8);
  const rounded = f32x4.add(x, rounder);
  const r = f32x4.sub(x, f32x4.sub(rounded, rounder));
  // The polynomial by pairs of terms: half as deep as Horner's scheme, and the processor waits for depth here.
  const r2 = f32x4.mul(r, r);
  const low = f32x4.add(f32x4.mul(r, v128.load32_splat(POWER, 28)), v128.load32_splat(POWER, 32));
  const middle = f32x4.add(f32x4.mul(r, v128.load32_splat(POWER, 20)), v128.load32_splat(POWER, 24));
  const high = f32x4.add(f32x4.mul(r, v128.load32_splat(POWER, 12)), v128.load32_splat(POWER, 16));
  const p = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(high, r2), middle), r2), low);
  // The whole number stands in the low bits of `rounded`; there it is added to the exponent of 2^r.
  return i32x4.add(p, i32x4.shl(rounded, 23));
}

/** 1 / (1 + exp(2 |x|)): from it, without cancellation, tanh |x| = 1 - 2q and its slope 4q (1 - q). */
// @ts-ignore: decorator
@inline
function complement4(x: v128): v128 {
  const size = f32x4.abs(x);
  const grown = power4(f32x4.mul(size, f32x4.splat(2.8853900817779268)));
  return f32x4.div(f32x4.splat(1.0), f32x4.add(grown, f32x4.splat(1.0)));
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
