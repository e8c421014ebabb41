import * as tf from '@tensorflow/tfjs-core';
import { describe, expect, it } from 'vitest';
import { openEngine } from '../../src/engine/engine.js';
import { UsageError } from '../../src/errors.js';

describe('openEngine', () => {
  it('opens wasm without handlers of its own for uncaught errors', async () => {
    const count = () => process.listenerCount('unhandledRejection') + process.listenerCount('uncaughtException');
    const before = count();
    await openEngine('wasm');
    expect(count()).toBe(before);
  });

  it('opens wasm, makes it the backend and computes on it', async () => {
    const engine = await openEngine('wasm');
    expect(engine.name).toBe('wasm');
    expect(engine.description).toMatch(/^wasm \(SIMD, \d+ threads?\)$/);
    expect(engine.version).toMatch(/^\d+\.\d+\.\d+$/);
    expect(tf.getBackend()).toBe('wasm');
    expect(Array.from(tf.tidy(() => tf.matMul([[1, 2]], [[3], [4]]).dataSync()))).toEqual([11]);
  });

  it('returns the same engine again, also after another backend was set in between', async () => {
    const engine = await openEngine('wasm');
    await import('@tensorflow/tfjs-backend-cpu');
    await tf.setBackend('cpu');
    expect(await openEngine('wasm')).toBe(engine);
    expect(tf.getBackend()).toBe('wasm');
  });

  it('names the engines when asked for one that does not exist', async () => {
    await expect(openEngine('abacus' as never)).rejects.toThrow(UsageError);
    await expect(openEngine('abacus' as never)).rejects.toThrow(/auto, .*wasm/);
  });
});
