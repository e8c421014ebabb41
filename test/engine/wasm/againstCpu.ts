// Runs the same work on the wasm engine and on TensorFlow.js' pure JavaScript backend, the reference.

import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-backend-cpu';
import { expect } from 'vitest';
import { openEngine } from '../../../src/engine/engine.js';
import { Random } from '../../../src/random.js';

/** Values in [-1, 1) that repeat from test to test. */
export function randomValues(seed: number, shape: readonly number[]): Float32Array {
  const random = new Random(seed);
  return Float32Array.from({ length: tf.util.sizeFromShape([...shape]) }, () => random.uniform() * 2 - 1);
}

/** What `work` returns, computed on wasm and on cpu. Tensors that it leaves behind fail the test. */
export async function runOnBoth(
  work: () => tf.Tensor[],
): Promise<{ wasm: Float32Array[]; cpu: Float32Array[]; shapes: number[][] }> {
  const results: Float32Array[][] = [];
  let shapes: number[][] = [];
  for (const backend of ['wasm', 'cpu'] as const) {
    if (backend === 'wasm') await openEngine('wasm');
    else await tf.setBackend('cpu');
    const before = tf.memory().numTensors;
    const tensors = tf.tidy(work);
    expect(tf.memory().numTensors - before).toBe(new Set(tensors).size);
    results.push(tensors.map((tensor) => Float32Array.from(tensor.dataSync())));
    shapes = tensors.map((tensor) => tensor.shape);
    for (const tensor of tensors) tensor.dispose();
  }
  return { wasm: results[0]!, cpu: results[1]!, shapes };
}

/** Fails unless both backends give the same, to `tolerance` of the largest value. */
export async function expectSameOnBoth(work: () => tf.Tensor[], tolerance = 1e-5): Promise<void> {
  const { wasm, cpu } = await runOnBoth(work);
  expect(wasm.length).toBe(cpu.length);
  for (const [index, expected] of cpu.entries()) {
    const actual = wasm[index]!;
    expect(actual.length).toBe(expected.length);
    const scale = expected.reduce((largest, value) => Math.max(largest, Math.abs(value)), 1e-3);
    let worst = 0;
    for (let i = 0; i < expected.length; i++) {
      const difference = Math.abs(actual[i]! - expected[i]!);
      worst = Number.isNaN(difference) ? Number.POSITIVE_INFINITY : Math.max(worst, difference);
    }
    expect(worst / scale, `result ${index}`).toBeLessThan(tolerance);
  }
}
