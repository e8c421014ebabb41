// Matrix products with transposed operands, as the gradients of dense and recurrent layers take them. The kernel of
// tfjs-backend-wasm multiplies fast only what lies as it is: with a flag it walks one number at a time, 5 to 25 times as
// long as transposing first.

import * as tf from '@tensorflow/tfjs-core';

/** Kernel `BatchMatMul`: operands of rank 2 and more whose last two axes are exchanged before it where a flag says so. */
export function batchMatMulKernel(original: tf.KernelConfig): tf.KernelConfig {
  return {
    ...original,
    kernelFunc: (args) => {
      const { a, b } = args.inputs as tf.BatchMatMulInputs as unknown as { a: tf.Tensor; b: tf.Tensor };
      const { transposeA, transposeB } = args.attrs as unknown as tf.BatchMatMulAttrs;
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
        inputs: inputs as unknown as tf.NamedTensorInfoMap,
        attrs: { transposeA: false, transposeB: false },
      });
      for (const tensor of made) tensor.dispose();
      return result;
    },
  };
}
