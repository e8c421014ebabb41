import * as tf from '@tensorflow/tfjs-core';
import { expect, test } from 'vitest';
import { openEngine } from '../../../src/engine/engine.js';
import { OutOfMemoryError } from '../../../src/errors.js';

test('out of memory is told as such, with what to do', async () => {
  await openEngine('wasm');
  const { wasm } = tf.backend() as tf.KernelBackend & { wasm: { _malloc(bytes: number): number } };
  // Takes all addresses, not the memory behind them.
  for (const bytes of [2 ** 28, 2 ** 24]) while (wasm._malloc(bytes) !== 0);
  const large = tf.ones([2 ** 23]);
  expect(() => tf.add(large, 1)).toThrow(OutOfMemoryError);
  expect(() => tf.add(large, 1)).toThrow(/4 GiB .*; use a smaller batch/);
});
