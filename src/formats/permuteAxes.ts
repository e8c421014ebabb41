// Arrays whose elements stand in another order than row by row.

/** Steps between neighbors along each axis of a row-major array, in elements. */
export function rowMajorStrides(shape: readonly number[]): number[] {
  return shape.map((_, axis) => shape.slice(axis + 1).reduce((product, size) => product * size, 1));
}

/**
 * The elements of an array that stands in memory with any strides.
 *
 * @param values from the array's first element on, at least as many as it spans.
 * @param strides steps between neighbors along each axis of `shape`, from 0.
 * @returns row-major: `values` itself where it is so already.
 */
export function gatherStrided(
  values: Float32Array,
  shape: readonly number[],
  strides: readonly number[],
): Float32Array {
  const count = shape.reduce((product, size) => product * size, 1);
  const dense = rowMajorStrides(shape);
  if (shape.every((size, axis) => size === 1 || strides[axis] === dense[axis]))
    return values.length === count ? values : values.slice(0, count);
  const gathered = new Float32Array(count);
  const last = shape.length - 1;
  const index = new Array<number>(shape.length).fill(0);
  let from = 0;
  for (let to = 0; to < count; ) {
    for (let i = 0; i < shape[last]; i++) gathered[to++] = values[from + i * strides[last]];
    for (let axis = last - 1; axis >= 0; axis--) {
      from += strides[axis];
      if (++index[axis] < shape[axis]) break;
      from -= strides[axis] * shape[axis];
      index[axis] = 0;
    }
  }
  return gathered;
}

/**
 * Reorders the axes of a row-major array.
 *
 * @param shape of `values`.
 * @param order the axes of `shape` in their new order, e.g. [2, 3, 1, 0].
 * @returns row-major in the new order: `values` itself where that is the old one.
 */
export function permuteAxes(values: Float32Array, shape: readonly number[], order: readonly number[]): Float32Array {
  const strides = rowMajorStrides(shape);
  return gatherStrided(
    values,
    order.map((axis) => shape[axis]),
    order.map((axis) => strides[axis]),
  );
}

/** {@link permuteAxes} into the opposite order: what another row order (Fortran, MATLAB) stored becomes row-major. */
export function reverseAxes(values: Float32Array, shape: readonly number[]): Float32Array {
  return permuteAxes(values, shape, shape.map((_, axis) => axis).reverse());
}
