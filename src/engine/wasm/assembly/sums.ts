// Sums of matrix rows, as the gradients of biases and the means of batch normalization need them.

/** Rows whose sum is formed before it joins the total: keeps the rounding error of long columns small. */
const ROWS_A_BLOCK: usize = 256;

/**
 * `sums[c] = sum over r of matrix[r, c]`.
 *
 * @param sums [columns], overwritten.
 */
export function sumRows(matrix: usize, sums: usize, rows: usize, columns: usize): void {
  const step = columns * 4;
  memory.fill(sums, 0, step);
  for (let row: usize = 0; row < rows; row += ROWS_A_BLOCK) {
    const begin = matrix + row * step;
    const end = matrix + min(row + ROWS_A_BLOCK, rows) * step;
    let column: usize = 0;
    for (; column + 16 <= columns; column += 16) {
      let a = f32x4.splat(0);
      let b = a;
      let c = a;
      let d = a;
      for (let at = begin + column * 4, stop = end + column * 4; at < stop; at += step) {
        a = f32x4.add(a, v128.load(at));
        b = f32x4.add(b, v128.load(at, 16));
        c = f32x4.add(c, v128.load(at, 32));
        d = f32x4.add(d, v128.load(at, 48));
      }
      const to = sums + column * 4;
      v128.store(to, f32x4.add(v128.load(to), a));
      v128.store(to, f32x4.add(v128.load(to, 16), b), 16);
      v128.store(to, f32x4.add(v128.load(to, 32), c), 32);
      v128.store(to, f32x4.add(v128.load(to, 48), d), 48);
    }
    for (; column + 4 <= columns; column += 4) {
      let a = f32x4.splat(0);
      for (let at = begin + column * 4, stop = end + column * 4; at < stop; at += step) a = f32x4.add(a, v128.load(at));
      const to = sums + column * 4;
      v128.store(to, f32x4.add(v128.load(to), a));
    }
    for (; column < columns; column++) {
      let a: f32 = 0;
      for (let at = begin + column * 4, stop = end + column * 4; at < stop; at += step) a += load<f32>(at);
      const to = sums + column * 4;
      store<f32>(to, load<f32>(to) + a);
    }
  }
}
