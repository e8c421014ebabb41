// Vectorized exp and tanh of four numbers by polynomials, with a relative error below 1e-6. The coefficients are minimax
// fits.

/**
 * The constants of exp: lowest and highest argument, log2 e, the number whose addition rounds to whole numbers, ln 2 in two
 * parts (the first so short that whole numbers times it are exact), the polynomial. They are in memory because V8
 * loads a vector constant with one instruction but composes a constant in the code with three.
 *
 * With r the remainder after whole powers of two, e^r = 1 + r + r^2 (c2 + c3 r + c4 r^2 + c5 r^3); here from c5 down to c2,
 * then 1.
 */
export const EXP = memory.data<f32>([
  -87.33654, 88.72283, 1.4426950408889634, 12582912, 0.693145751953125, 0.0000014286067653, 0.00831251498311758,
  0.041890207678079605, 0.16667114198207855, 0.499992311000824, 1,
]);

/**
 * e^x, with the argument clamped to where the result is a normal float32. NaN stays NaN. activation.ts has the same steps
 * for two vectors.
 */
// @ts-ignore: decorator
@inline
export function exp4(argument: v128): v128 {
  // pmax and pmin keep a NaN in the first operand.
  const x = f32x4.pmin(f32x4.pmax(argument, v128.load32_splat(EXP)), v128.load32_splat(EXP, 4));
  const rounder = v128.load32_splat(EXP, 12);
  const rounded = f32x4.add(f32x4.mul(x, v128.load32_splat(EXP, 8)), rounder);
  const n = f32x4.sub(rounded, rounder);
  const rough = f32x4.sub(x, f32x4.mul(n, v128.load32_splat(EXP, 16)));
  const r = f32x4.sub(rough, f32x4.mul(n, v128.load32_splat(EXP, 20)));
  // Estrin's scheme: half the depth of Horner's, since latency is the limit here.
  const r2 = f32x4.mul(r, r);
  const high = f32x4.add(f32x4.mul(r, v128.load32_splat(EXP, 24)), v128.load32_splat(EXP, 28));
  const middle = f32x4.add(f32x4.mul(r, v128.load32_splat(EXP, 32)), v128.load32_splat(EXP, 36));
  const low = f32x4.add(r, v128.load32_splat(EXP, 40));
  const p = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(high, r2), middle), r2), low);
  // The low bits of `rounded` hold the whole number, which is added to the exponent of e^r.
  return i32x4.add(p, i32x4.shl(rounded, 23));
}

/** 1 / (1 + exp(2 |x|)): from it, without cancellation, tanh |x| = 1 - 2q and its slope 4q (1 - q). */
// @ts-ignore: decorator
@inline
function complement4(x: v128): v128 {
  const size = f32x4.abs(x);
  const grown = exp4(f32x4.add(size, size));
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

/** The derivative of tanh at x; accurate also where tanh rounds to 1. */
// @ts-ignore: decorator
@inline
export function tanhSlope4(x: v128): v128 {
  const q = complement4(x);
  return f32x4.mul(f32x4.mul(f32x4.splat(4.0), q), f32x4.sub(f32x4.splat(1.0), q));
}
