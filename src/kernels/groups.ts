// Divides a batch into groups of samples. The division depends only on the number of samples, and groups are summed in
// order, so that results are bit-identical for any number of threads.

/** Samples of the smallest group; a block of the kernels is 64. */
const SMALLEST = 256;
/** Samples of the largest group. */
export const LARGEST_GROUP = 1024;
/** Groups of a batch between those sizes: enough to balance the load of many threads. */
export const GROUPS = 64;
/** Samples of the largest group when only outputs are computed: smaller, to balance the load better. */
const LARGEST_OUTPUTS = 512;

/** Samples of each group of a batch, except the last, which may be smaller; a multiple of 64 up to 1,024. */
export function groupSizeOf(count: number): number {
  const even = Math.ceil(count / GROUPS / 64) * 64;
  return Math.min(Math.max(even, SMALLEST), LARGEST_GROUP);
}

/** Samples of each group when only outputs are computed. */
export function outputsGroupSizeOf(count: number): number {
  return Math.min(groupSizeOf(count), LARGEST_OUTPUTS);
}
