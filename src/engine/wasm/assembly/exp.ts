// exp of four numbers by a polynomial, relative error below 1e-6. The constants are in the code, since the memory belongs to
// tfjs-backend-wasm.

/** e^x, with the argument clamped to where the result is a normal float32. NaN stays NaN. */
// @ts-ignore: decorator
@inline
export function exp4(argument: v128): v128 {
  // pmax and pmin keep a NaN in the first operand.
  const x = f32x4.pmin(f32x4.pmax(argument, f32x4.splat(-87.33654)), f32x4.splat(88.72283));
  const rounder = f32x4.splat(12582912);
  const rounded = f32x4.add(f32x4.mul(x, f32x4.splat(1.4426950408889634)), rounder);
  const n = f32x4.sub(rounded, rounder);
  // ln 2 in two parts, so that whole numbers times the first are exact.
  const rough = f32x4.sub(x, f32x4.mul(n, f32x4.splat(0.693145751953125)));
  const r = f32x4.sub(rough, f32x4.mul(n, f32x4.splat(0.0000014286067653)));
  let p = f32x4.add(f32x4.mul(r, f32x4.splat(0.00831251498311758)), f32x4.splat(0.041890207678079605));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.16667114198207855));
  p = f32x4.add(f32x4.mul(p, r), f32x4.splat(0.499992311000824));
  p = f32x4.add(f32x4.add(f32x4.mul(f32x4.mul(p, r), r), r), f32x4.splat(1));
  // The low bits of `rounded` hold the whole number, which is added to the exponent of e^r.
  return i32x4.add(p, i32x4.shl(rounded, 23));
}
