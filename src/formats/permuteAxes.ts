// Reorders the axes of an array.

/**
 * Reorders the axes of a row-major array.
 *
 * @param shape of `values`.
 * @param order the axes of `shape` in their new order, e.g. [2, 3, 1, 0].
 * @returns a new array, row-major in the new order.
 */
export function permuteAxes(values: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const permuted = new Float32Array(values.length);
  if (values.length === 0 || shape.length === 0) {
    permuted.set(values);
    return permuted;
  }
  const strides = shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
  const sizes = order.map((axis) => shape[axis]);
  const steps = order.map((axis) => strides[axis]);
  const last = sizes.length - 1;
  const index = new Array<number>(sizes.length).fill(0);
  let from = 0;
  for (let to = 0; to < permuted.length; ) {
    for (let i = 0; i < sizes[last]; i++) permuted[to++] = values[from + i * steps[last]];
    for (let axis = last - 1; axis >= 0; axis--) {
      from += steps[axis];
      if (++index[axis] < sizes[axis]) break;
      from -= steps[axis] * sizes[axis];
      index[axis] = 0;
    }
  }
  return permuted;
}

/** {@link permuteAxes} into the opposite order: what another row order (Fortran, MATLAB) stored becomes row-major. */
export function reverseAxes(values: Float32Array, shape: readonly number[]): Float32Array {
  return permuteAxes(values, shape, shape.map((_, axis) => axis).reverse());
}
