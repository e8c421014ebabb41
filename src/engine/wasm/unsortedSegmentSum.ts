// Sums of rows that share a segment id, which tfjs-backend-wasm lacks and the gradient of an embedding needs. Rows are
// added in the order in which they stand, so results repeat bit for bit.

import * as tf from '@tensorflow/tfjs-core';

/** Kernel `UnsortedSegmentSum`: inputs x [N, ...] and segmentIds [N] (int32), output [numSegments, ...]. */
export const unsortedSegmentSumKernel: tf.KernelConfig = {
  kernelName: tf.UnsortedSegmentSum,
  backendName: 'wasm',
  kernelFunc: ({ inputs, attrs }) => {
    const { x, segmentIds } = inputs as { x: tf.Tensor; segmentIds: tf.Tensor1D };
    const { numSegments } = attrs as tf.NamedAttrMap & tf.UnsortedSegmentSumAttrs;
    const rowShape = x.shape.slice(1);
    const rowSize = tf.util.sizeFromShape(rowShape);
    const ids = segmentIds.dataSync();
    const values = x.dataSync();
    const sums = x.dtype === 'int32' ? new Int32Array(numSegments * rowSize) : new Float32Array(numSegments * rowSize);
    for (let row = 0; row < ids.length; row++) {
      const id = ids[row]!;
      // TensorFlow drops rows of negative id; ids past the end are dropped too.
      if (id < 0 || id >= numSegments) continue;
      const from = row * rowSize;
      const to = id * rowSize;
      for (let i = 0; i < rowSize; i++) sums[to + i]! += values[from + i]!;
    }
    return tf.tensor(sums, [numSegments, ...rowShape], x.dtype);
  },
};
