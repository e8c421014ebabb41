// Matrix products with transposed operands, as in the gradients of dense and recurrent layers. The kernel of
// tfjs-backend-wasm is fast only without transposition: with a flag it takes 5 to 25 times as long as transposing first.

import * as tf from '@tensorflow/tfjs-core';

/** Kernel `BatchMatMul`: operands of rank 2 or more; flagged operands are transposed first. */
export function batchMatMulKernel(original: tf.KernelConfig): tf.KernelConfig {
  return {
    ...original,
    kernelFunc: (args) => {
      const { a, b } = args.inputs as tf.BatchMatMulInputs as { a: tf.Tensor; b: tf.Tensor };
      const { transposeA, transposeB } = args.attrs as tf.NamedAttrMap & tf.BatchMatMulAttrs;
      if (!transposeA && !transposeB) return original.kernelFunc(args);
      const made: tf.Tensor[] = [];
      const transpose = (x: tf.Tensor) => {
        const axes = x.shape.map((_, axis) => axis);
        axes.push(...axes.splice(-2).reverse());
        const transposed = tf.transpose(x, axes);
        made.push(transposed);
        return transposed;
      };
      const inputs = { a: transposeA ? transpose(a) : a, b: transposeB ? transpose(b) : b };
      const result = original.kernelFunc({
        ...args,
        inputs: inputs as tf.NamedTensorInfoMap,
        attrs: { transposeA: false, transposeB: false },
      });
      for (const tensor of made) tensor.dispose();
      return result;
    },
  };
}
