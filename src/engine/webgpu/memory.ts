// What is said when the memory of a GPU is not enough. Nothing from Node.

import { OutOfMemoryError } from '../../errors.js';

/** What to do when a GPU has no memory left. Worker processes share it, as do other programs. */
export const GPU_MEMORY_REMEDY =
  'use a smaller --batch-size or fewer --workers, end other programs on that GPU, or choose another --adapter or --engine';

/**
 * The error for a buffer that the device cannot have, whatever is free; `null` when it can.
 *
 * @param size bytes of the buffer.
 * @param where what it is for, or the name of the GPU.
 */
export function makeSizeError(limits: GPUSupportedLimits, size: number, where: string): OutOfMemoryError | null {
  const most = Math.min(limits.maxBufferSize, limits.maxStorageBufferBindingSize);
  if (size <= most) return null;
  const [needed, allowed] = [size, most].map((bytes) => (bytes / 2 ** 30).toFixed(2));
  return new OutOfMemoryError({
    what: `a tensor of ${needed} GiB, where buffers of the GPU have ${allowed} GiB at most`,
    where,
    remedy: 'use a smaller --batch-size, or another --adapter or --engine',
  });
}
