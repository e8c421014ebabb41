// GELU in its tanh form: x * sigmoid(2u) with u = sqrt(2 / pi) * (x + 0.044715 x^3), and its gradient.

import { exp4 } from './exp';

/** 2 sqrt(2 / pi), and that times 0.044715. */
const SLOPE: f32 = 1.5957691216057308;
const CUBIC: f32 = 0.07135481627;

// @ts-ignore: decorator
@inline
function sigmoid(x: v128, square: v128): v128 {
  const u = f32x4.mul(x, f32x4.add(f32x4.mul(square, f32x4.splat(CUBIC)), f32x4.splat(SLOPE)));
  const one = f32x4.splat(1);
  return f32x4.div(one, f32x4.add(one, exp4(f32x4.neg(u))));
}

// @ts-ignore: decorator
@inline
function value4(x: v128): v128 {
  return f32x4.mul(x, sigmoid(x, f32x4.mul(x, x)));
}

// @ts-ignore: decorator
@inline
function slope4(x: v128): v128 {
  const square = f32x4.mul(x, x);
  const s = sigmoid(x, square);
  const inner = f32x4.add(f32x4.mul(square, f32x4.splat(3 * CUBIC)), f32x4.splat(SLOPE));
  const rest = f32x4.mul(f32x4.mul(x, inner), f32x4.sub(f32x4.splat(1), s));
  return f32x4.mul(s, f32x4.add(f32x4.splat(1), rest));
}

/** `result[i] = gelu(x[i])`. */
export function gelu(x: usize, result: usize, count: usize): void {
  const bytes = count << 2;
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16) v128.store(result + i, value4(v128.load(x + i)));
  for (; i < bytes; i += 4) store<f32>(result + i, f32x4.extract_lane(value4(v128.load32_splat(x + i)), 0));
}

/** `result[i] = gradient[i] * gelu'(x[i])`. */
export function geluGradient(x: usize, gradient: usize, result: usize, count: usize): void {
  const bytes = count << 2;
  let i: usize = 0;
  for (; i + 16 <= bytes; i += 16)
    v128.store(result + i, f32x4.mul(v128.load(gradient + i), slope4(v128.load(x + i))));
  for (; i < bytes; i += 4)
    store<f32>(result + i, load<f32>(gradient + i) * f32x4.extract_lane(slope4(v128.load32_splat(x + i)), 0));
}
