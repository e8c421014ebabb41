// How a batch is cut into groups of samples. The cut depends on the number of samples alone, and groups are added in
// their order, so that any number of threads computes the same bits.

/** Samples of the smallest group; a block of the kernels is 64. */
const SMALLEST = 256;
/** Samples of the largest group. */
export const LARGEST_GROUP = 1024;
/** Groups of a batch between those sizes: enough to keep many threads busy to the end. */
export const GROUPS = 64;
/** Samples of the largest group where nothing is added up: smaller, so that threads end a job nearly together. */
const LARGEST_OUTPUTS = 512;

/** Samples of each group of a batch, except the last, which may be smaller; a multiple of 64 up to 1,024. */
export function groupSizeOf(count: number): number {
  const even = Math.ceil(count / GROUPS / 64) * 64;
  return Math.min(Math.max(even, SMALLEST), LARGEST_GROUP);
}

/** Samples of each group where only outputs are wanted. */
export function outputsGroupSizeOf(count: number): number {
  return Math.min(groupSizeOf(count), LARGEST_OUTPUTS);
}
