import { describe, expect, it } from 'vitest';
import { guardMemory } from '../../../src/engine/tensorflow/memory.js';
import { OutOfMemoryError } from '../../../src/errors.js';

/** What TensorFlow 2.21 said, by way of tfjs-node, of `tf.tile(tf.ones([2 ** 20]), [2 ** 25])`. */
const EXHAUSTED =
  'Invalid TF_Status: 8\nMessage: OOM when allocating tensor with shape[35184372088832] and type float ' +
  'on /job:localhost/replica:0/task:0/device:CPU:0 by allocator mklcpu';
/** What it says when an input does not fit on a GPU. */
const NOT_COPIED =
  'Invalid TF_Status: 13\nMessage: Failed copying input tensor from /job:localhost/replica:0/task:0/device:CPU:0 to ' +
  '/job:localhost/replica:0/task:0/device:GPU:0 in order to run MatMul: Dst tensor is not initialized.';

/** A backend whose operations fail with a message, and which knows itself. */
class Failing {
  constructor(readonly message: string | null) {}
  executeSingleOutput(name: string): string {
    if (this.message !== null) throw new Error(this.message);
    return name;
  }
  executeMultipleOutputs(name: string): string[] {
    return [this.executeSingleOutput(name)];
  }
}

function thrownBy(message: string, of: 'executeSingleOutput' | 'executeMultipleOutputs'): Error {
  const backend = new Failing(message);
  guardMemory(backend, 'tensorflow (linked, GPU: NVIDIA H100)');
  try {
    backend[of]('MatMul');
  } catch (error) {
    return error as Error;
  }
  throw new Error('nothing was thrown');
}

describe('guardMemory', () => {
  it('tells of memory that ran out in one line, with what to do', () => {
    for (const of of ['executeSingleOutput', 'executeMultipleOutputs'] as const) {
      const error = thrownBy(EXHAUSTED, of);
      expect(error).toBeInstanceOf(OutOfMemoryError);
      expect(error.message).toMatch(
        /^out of memory \(OOM .* shape\[35184372088832\] and type float\): .*H100\); use a smaller --batch-size.*$/,
      );
    }
    expect(thrownBy(NOT_COPIED, 'executeSingleOutput')).toBeInstanceOf(OutOfMemoryError);
  });

  it('leaves other errors and all results as they are', () => {
    const other = 'Invalid TF_Status: 3\nMessage: Matrix size-incompatible: In[0]: [2,3], In[1]: [8,8]';
    const error = thrownBy(other, 'executeSingleOutput');
    expect(error).not.toBeInstanceOf(OutOfMemoryError);
    expect(error.message).toBe(other);
    const backend = new Failing(null);
    guardMemory(backend, 'tensorflow');
    expect(backend.executeMultipleOutputs('Add')).toEqual(['Add']);
  });
});
