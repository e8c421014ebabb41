// Out-of-memory errors of a GPU. Does not use Node.

import { OutOfMemoryError } from '../../errors.js';

/** Remedy for a GPU without free memory, which worker processes and other programs share. */
export const GPU_MEMORY_REMEDY =
  'use a smaller --batch-size or fewer --workers, end other programs on that GPU, or choose another --adapter or --engine';

/**
 * The error for a buffer above the size limit of the device; `null` when it is within the limit.
 *
 * @param size bytes of the buffer.
 * @param where what it is for, or the name of the GPU.
 */
export function makeSizeError(limits: GPUSupportedLimits, size: number, where: string): OutOfMemoryError | null {
  const most = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
  if (size <= most) return null;
  const [needed, allowed] = [size, most].map((bytes) => (bytes / 2 ** 30).toFixed(2));
  return new OutOfMemoryError({
    what: `a tensor of ${needed} GiB, but buffers of the GPU have ${allowed} GiB at most`,
    where,
    remedy: 'use a smaller --batch-size, or another --adapter or --engine',
  });
}
