// Converts TensorFlow's out-of-memory errors to the toolkit's error. The binding throws plain errors with a status number.

import { OutOfMemoryError } from '../../errors.js';

/** RESOURCE_EXHAUSTED, a failed copy to the GPU, and what CUDA's libraries say when they cannot allocate. */
const EXHAUSTED = /^Invalid TF_Status: 8\b|Dst tensor is not initialized|STATUS_ALLOC_FAILED|CUDA_ERROR_OUT_OF_MEMORY/;

/** The methods of tfjs-node's backend that every operation passes through. */
export interface TensorflowBackend {
  // biome-ignore lint/suspicious/noExplicitAny: passed through as it comes
  executeSingleOutput(...args: any[]): any;
  // biome-ignore lint/suspicious/noExplicitAny: passed through as it comes
  executeMultipleOutputs(...args: any[]): any;
}

/**
 * Makes a backend throw OutOfMemoryError when TensorFlow has no memory for an operation.
 *
 * @param description of the engine, for the error.
 */
export function guardMemory(backend: TensorflowBackend, description: string): void {
  const { executeSingleOutput, executeMultipleOutputs } = backend;
  // biome-ignore lint/suspicious/noExplicitAny: passed through as it comes
  const guard = (execute: (...args: any[]) => unknown) => {
    // biome-ignore lint/suspicious/noExplicitAny: passed through as it comes
    return (...args: any[]) => {
      try {
        return execute.apply(backend, args);
      } catch (error) {
        throw explainError(error, description);
      }
    };
  };
  backend.executeSingleOutput = guard(executeSingleOutput);
  backend.executeMultipleOutputs = guard(executeMultipleOutputs);
}

function explainError(cause: unknown, description: string): unknown {
  if (!(cause instanceof Error) || !EXHAUSTED.test(cause.message)) return cause;
  const [line] = cause.message.replace(/^Invalid TF_Status: \d+\s+Message: /, '').split('\n');
  const reason = line!.replace(/ on \/job\S+ by allocator \S+/, '');
  return new OutOfMemoryError({
    what: `out of memory (${reason})`,
    where: description,
    remedy:
      'use a smaller --batch-size or fewer --workers, end other programs on that device, or choose another --engine',
    cause,
  });
}
