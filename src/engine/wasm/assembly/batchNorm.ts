// Batch normalization of columns, and its gradient.

import { sumRows } from './sums';

/** `result[c] = factor * result[c]` for all columns. */
function scale(result: usize, columns: usize, factor: f32): void {
  for (let i: usize = 0; i < columns << 2; i += 4) store<f32>(result + i, load<f32>(result + i) * factor);
}

/**
 * `y = (x - mean) / sqrt(variance + epsilon) * gamma + beta`, column by column; the variance is the mean square deviation.
 *
 * @param x [rows, columns], as is `y`.
 * @param gamma [columns], as is `beta`.
 * @param mean [columns], overwritten, as is `variance`.
 */
export function batchNorm(
  x: usize,
  gamma: usize,
  beta: usize,
  y: usize,
  mean: usize,
  variance: usize,
  rows: usize,
  columns: usize,
  epsilon: f32,
): void {
  const bytes = columns << 2;
  const wide = bytes & ~15;
  const share: f32 = 1 / <f32>rows;
  sumRows(x, mean, rows, columns);
  scale(mean, columns, share);
  const end = x + rows * bytes;
  for (let from = x, to = y; from < end; from += bytes, to += bytes) {
    let i: usize = 0;
    for (; i < wide; i += 16) {
      const d = f32x4.sub(v128.load(from + i), v128.load(mean + i));
      v128.store(to + i, f32x4.mul(d, d));
    }
    for (; i < bytes; i += 4) {
      const d = load<f32>(from + i) - load<f32>(mean + i);
      store<f32>(to + i, d * d);
    }
  }
  sumRows(y, variance, rows, columns);
  scale(variance, columns, share);
  const epsilons = f32x4.splat(epsilon);
  const one = f32x4.splat(1);
  for (let from = x, to = y; from < end; from += bytes, to += bytes) {
    let i: usize = 0;
    for (; i < wide; i += 16) {
      const r = f32x4.div(one, f32x4.sqrt(f32x4.add(v128.load(variance + i), epsilons)));
      const d = f32x4.sub(v128.load(from + i), v128.load(mean + i));
      v128.store(to + i, f32x4.add(f32x4.mul(f32x4.mul(d, r), v128.load(gamma + i)), v128.load(beta + i)));
    }
    for (; i < bytes; i += 4) {
      const r: f32 = 1 / sqrt<f32>(load<f32>(variance + i) + epsilon);
      store<f32>(to + i, (load<f32>(from + i) - load<f32>(mean + i)) * r * load<f32>(gamma + i) + load<f32>(beta + i));
    }
  }
}

/**
 * With r = 1 / sqrt(variance + epsilon), d = x - mean and n rows: dbeta = sum dy; dgamma = r sum(dy d);
 * dx = gamma r (dy - dbeta / n - d r dgamma / n).
 *
 * @param dy [rows, columns], as are `x` and `dx`.
 * @param dx overwritten, as are `dgamma` and `dbeta`, [columns].
 */
export function batchNormGradient(
  dy: usize,
  x: usize,
  gamma: usize,
  mean: usize,
  variance: usize,
  dx: usize,
  dgamma: usize,
  dbeta: usize,
  rows: usize,
  columns: usize,
  epsilon: f32,
): void {
  const bytes = columns << 2;
  const wide = bytes & ~15;
  const share: f32 = 1 / <f32>rows;
  sumRows(dy, dbeta, rows, columns);
  const end = x + rows * bytes;
  for (let from = x, gradient = dy, to = dx; from < end; from += bytes, gradient += bytes, to += bytes) {
    let i: usize = 0;
    for (; i < wide; i += 16)
      v128.store(
        to + i,
        f32x4.mul(v128.load(gradient + i), f32x4.sub(v128.load(from + i), v128.load(mean + i))),
      );
    for (; i < bytes; i += 4)
      store<f32>(to + i, load<f32>(gradient + i) * (load<f32>(from + i) - load<f32>(mean + i)));
  }
  sumRows(dx, dgamma, rows, columns);
  for (let i: usize = 0; i < bytes; i += 4)
    store<f32>(dgamma + i, load<f32>(dgamma + i) / sqrt<f32>(load<f32>(variance + i) + epsilon));
  const epsilons = f32x4.splat(epsilon);
  const one = f32x4.splat(1);
  const shares = f32x4.splat(share);
  for (let from = x, gradient = dy, to = dx; from < end; from += bytes, gradient += bytes, to += bytes) {
    let i: usize = 0;
    for (; i < wide; i += 16) {
      const r = f32x4.div(one, f32x4.sqrt(f32x4.add(v128.load(variance + i), epsilons)));
      const h = f32x4.mul(f32x4.sub(v128.load(from + i), v128.load(mean + i)), r);
      const means = f32x4.mul(f32x4.add(v128.load(dbeta + i), f32x4.mul(h, v128.load(dgamma + i))), shares);
      const g = f32x4.sub(v128.load(gradient + i), means);
      v128.store(to + i, f32x4.mul(f32x4.mul(v128.load(gamma + i), r), g));
    }
    for (; i < bytes; i += 4) {
      const r: f32 = 1 / sqrt<f32>(load<f32>(variance + i) + epsilon);
      const h = (load<f32>(from + i) - load<f32>(mean + i)) * r;
      const means = (load<f32>(dbeta + i) + h * load<f32>(dgamma + i)) * share;
      store<f32>(to + i, load<f32>(gamma + i) * r * (load<f32>(gradient + i) - means));
    }
  }
}
