// Layer normalization over the last axis, and its gradient.

// @ts-ignore: decorator
@inline
function total(v: v128): f32 {
  return (
    f32x4.extract_lane(v, 0) + f32x4.extract_lane(v, 1) + (f32x4.extract_lane(v, 2) + f32x4.extract_lane(v, 3))
  );
}

/**
 * `y = (x - mean) / sqrt(variance + epsilon) * gamma + beta`, row by row; the variance is the mean square deviation.
 *
 * @param x [rows, columns].
 * @param gamma [columns], as is `beta`.
 * @param statistics [rows, 2], overwritten: mean and 1 / sqrt(variance + epsilon) of each row.
 */
export function layerNorm(
  x: usize,
  gamma: usize,
  beta: usize,
  y: usize,
  statistics: usize,
  rows: usize,
  columns: usize,
  epsilon: f32,
): void {
  const bytes = columns << 2;
  const wide = bytes & ~15;
  const share: f32 = 1 / <f32>columns;
  for (let row: usize = 0; row < rows; row++, x += bytes, y += bytes, statistics += 8) {
    let sums = f32x4.splat(0);
    let i: usize = 0;
    for (; i < wide; i += 16) sums = f32x4.add(sums, v128.load(x + i));
    let sum = total(sums);
    for (; i < bytes; i += 4) sum += load<f32>(x + i);
    const mean = sum * share;
    const means = f32x4.splat(mean);
    let squares = f32x4.splat(0);
    for (i = 0; i < wide; i += 16) {
      const d = f32x4.sub(v128.load(x + i), means);
      squares = f32x4.add(squares, f32x4.mul(d, d));
    }
    let square = total(squares);
    for (; i < bytes; i += 4) {
      const d = load<f32>(x + i) - mean;
      square += d * d;
    }
    const r: f32 = 1 / sqrt<f32>(square * share + epsilon);
    store<f32>(statistics, mean);
    store<f32>(statistics + 4, r);
    const rs = f32x4.splat(r);
    for (i = 0; i < wide; i += 16) {
      const normalized = f32x4.mul(f32x4.sub(v128.load(x + i), means), rs);
      v128.store(y + i, f32x4.add(f32x4.mul(normalized, v128.load(gamma + i)), v128.load(beta + i)));
    }
    for (; i < bytes; i += 4)
      store<f32>(y + i, (load<f32>(x + i) - mean) * r * load<f32>(gamma + i) + load<f32>(beta + i));
  }
}

/**
 * With h the normalized row and g = dy * gamma: dx = r (g - mean(g) - h mean(g h)), dgamma = sum dy h, dbeta = sum dy.
 *
 * @param dy [rows, columns], as are `x` and `dx`.
 * @param statistics [rows, 2] of {@link layerNorm}.
 * @param dx overwritten, as are `dgamma` and `dbeta`, [columns].
 */
export function layerNormGradient(
  dy: usize,
  x: usize,
  gamma: usize,
  statistics: usize,
  dx: usize,
  dgamma: usize,
  dbeta: usize,
  rows: usize,
  columns: usize,
): void {
  const bytes = columns << 2;
  const wide = bytes & ~15;
  const share: f32 = 1 / <f32>columns;
  memory.fill(dgamma, 0, bytes);
  memory.fill(dbeta, 0, bytes);
  for (let row: usize = 0; row < rows; row++, x += bytes, dy += bytes, dx += bytes, statistics += 8) {
    const mean = load<f32>(statistics);
    const r = load<f32>(statistics + 4);
    const means = f32x4.splat(mean);
    const rs = f32x4.splat(r);
    let sums = f32x4.splat(0);
    let products = sums;
    let i: usize = 0;
    for (; i < wide; i += 16) {
      const d = v128.load(dy + i);
      const h = f32x4.mul(f32x4.sub(v128.load(x + i), means), rs);
      const g = f32x4.mul(d, v128.load(gamma + i));
      sums = f32x4.add(sums, g);
      products = f32x4.add(products, f32x4.mul(g, h));
      v128.store(dgamma + i, f32x4.add(v128.load(dgamma + i), f32x4.mul(d, h)));
      v128.store(dbeta + i, f32x4.add(v128.load(dbeta + i), d));
    }
    let sum = total(sums);
    let product = total(products);
    for (; i < bytes; i += 4) {
      const d = load<f32>(dy + i);
      const h = (load<f32>(x + i) - mean) * r;
      const g = d * load<f32>(gamma + i);
      sum += g;
      product += g * h;
      store<f32>(dgamma + i, load<f32>(dgamma + i) + d * h);
      store<f32>(dbeta + i, load<f32>(dbeta + i) + d);
    }
    const offset = sum * share;
    const slope = product * share;
    const offsets = f32x4.splat(offset);
    const slopes = f32x4.splat(slope);
    for (i = 0; i < wide; i += 16) {
      const h = f32x4.mul(f32x4.sub(v128.load(x + i), means), rs);
      const g = f32x4.sub(f32x4.mul(v128.load(dy + i), v128.load(gamma + i)), offsets);
      v128.store(dx + i, f32x4.mul(f32x4.sub(g, f32x4.mul(h, slopes)), rs));
    }
    for (; i < bytes; i += 4) {
      const h = (load<f32>(x + i) - mean) * r;
      store<f32>(dx + i, (load<f32>(dy + i) * load<f32>(gamma + i) - offset - h * slope) * r);
    }
  }
}
