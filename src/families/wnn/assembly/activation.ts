// The learned activation G e^(E f) on rows of eight samples. Its gradient is in backward.ts.

import { EXP } from '../../../kernels/assembly/elementary';
import { ROW } from '../../../kernels/assembly/products';

/**
 * u = G e^(E f), row by row; `e`, `g`, `f` and `u` are addresses of `rows` rows each. Overwrites G with e^(E f), for the
 * backward pass.
 *
 * Same steps as exp4, for two vectors at a time, so that each constant is loaded once.
 */
export function activate(e: usize, g: usize, f: usize, u: usize, rows: usize): void {
  const rounder = v128.load32_splat(EXP, 12);
  for (const end = e + rows * ROW; e < end; e += ROW, g += ROW, f += ROW, u += ROW) {
    let constant = v128.load32_splat(EXP);
    let x = f32x4.pmax(f32x4.mul(v128.load(e), v128.load(f)), constant);
    let y = f32x4.pmax(f32x4.mul(v128.load(e, 16), v128.load(f, 16)), constant);
    constant = v128.load32_splat(EXP, 4);
    x = f32x4.pmin(x, constant);
    y = f32x4.pmin(y, constant);
    constant = v128.load32_splat(EXP, 8);
    const xRounded = f32x4.add(f32x4.mul(x, constant), rounder);
    const yRounded = f32x4.add(f32x4.mul(y, constant), rounder);
    const xWhole = f32x4.sub(xRounded, rounder);
    const yWhole = f32x4.sub(yRounded, rounder);
    constant = v128.load32_splat(EXP, 16);
    x = f32x4.sub(x, f32x4.mul(xWhole, constant));
    y = f32x4.sub(y, f32x4.mul(yWhole, constant));
    constant = v128.load32_splat(EXP, 20);
    x = f32x4.sub(x, f32x4.mul(xWhole, constant));
    y = f32x4.sub(y, f32x4.mul(yWhole, constant));
    const x2 = f32x4.mul(x, x);
    const y2 = f32x4.mul(y, y);
    constant = v128.load32_splat(EXP, 24);
    let xHigh = f32x4.mul(x, constant);
    let yHigh = f32x4.mul(y, constant);
    constant = v128.load32_splat(EXP, 28);
    xHigh = f32x4.add(xHigh, constant);
    yHigh = f32x4.add(yHigh, constant);
    constant = v128.load32_splat(EXP, 32);
    let xMiddle = f32x4.mul(x, constant);
    let yMiddle = f32x4.mul(y, constant);
    constant = v128.load32_splat(EXP, 36);
    xMiddle = f32x4.add(xMiddle, constant);
    yMiddle = f32x4.add(yMiddle, constant);
    constant = v128.load32_splat(EXP, 40);
    const xPower = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(xHigh, x2), xMiddle), x2), f32x4.add(x, constant));
    const yPower = f32x4.add(f32x4.mul(f32x4.add(f32x4.mul(yHigh, y2), yMiddle), y2), f32x4.add(y, constant));
    const a = i32x4.add(xPower, i32x4.shl(xRounded, 23));
    const b = i32x4.add(yPower, i32x4.shl(yRounded, 23));
    v128.store(u, f32x4.mul(v128.load(g), a));
    v128.store(u, f32x4.mul(v128.load(g, 16), b), 16);
    v128.store(g, a);
    v128.store(g, b, 16);
  }
}
