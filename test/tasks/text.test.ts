import type * as tf from '@tensorflow/tfjs-core';
import { beforeAll, describe, expect, it } from 'vitest';
import { openEngine } from '../../src/engine/index.js';
import { UsageError } from '../../src/errors.js';
import { loadDataset } from '../../src/tasks/dataset.js';
import { findTask } from '../../src/tasks/task.js';
import { splitStretches, TextExamples } from '../../src/tasks/text.js';
import { trainTask } from '../../src/tasks/trainTask.js';

beforeAll(async () => {
  await openEngine('wasm');
});

/** The symbol of each step of each passage; fails when a step is not one-hot. */
function readOneHot(xs: tf.Tensor): number[][] {
  const [passages, steps, symbols] = xs.shape;
  const values = xs.dataSync();
  return Array.from({ length: passages }, (_, p) =>
    Array.from({ length: steps }, (_, s) => {
      const row = Array.from(values.subarray((p * steps + s) * symbols, (p * steps + s + 1) * symbols));
      expect(row.filter((value) => value === 1)).toHaveLength(1);
      expect(row.filter((value) => value === 0)).toHaveLength(symbols - 1);
      return row.indexOf(1);
    }),
  );
}

describe('TextExamples', () => {
  const codes = Uint8Array.of(0, 1, 2, 3, 4, 3, 2, 1, 0, 4);

  it('gives passages and the character after each of their characters', () => {
    const examples = new TextExamples(codes, 3, 5);
    expect(examples.count).toBe(3);
    const { xs, ys } = examples.takeBatch(Uint32Array.of(2, 0));
    expect(ys.shape).toEqual([2, 3, 1]);
    expect(readOneHot(xs)).toEqual([
      [2, 1, 0],
      [0, 1, 2],
    ]);
    expect(Array.from(ys.dataSync())).toEqual([1, 0, 4, 1, 2, 3]);
  });

  it('leaves out a passage whose last character has no successor', () => {
    expect(new TextExamples(codes.subarray(0, 9), 3, 5).count).toBe(2);
    expect(new TextExamples(codes.subarray(0, 3), 3, 5).count).toBe(0);
    expect(new TextExamples(codes.subarray(0, 0), 3, 5).count).toBe(0);
  });

  it('numbers a part anew', () => {
    const part = new TextExamples(codes, 3, 5).subset(Uint32Array.of(2, 1)).subset(Uint32Array.of(1));
    expect(part.count).toBe(1);
    expect(readOneHot(part.takeBatch(Uint32Array.of(0)).xs)).toEqual([[3, 4, 3]]);
  });
});

describe('splitStretches', () => {
  it('takes every tenth stretch for validation', () => {
    // 23 passages of one character, in stretches of two; the character is the number of its passage.
    const text = new TextExamples(
      Uint8Array.from({ length: 24 }, (_, i) => i),
      1,
      24,
    );
    const { train, validation } = splitStretches(text, 2);
    const first = (part: TextExamples) =>
      readOneHot(part.takeBatch(Uint32Array.from({ length: part.count }, (_, i) => i)).xs).flat();
    expect(first(validation)).toEqual([18, 19]);
    expect(first(train)).toEqual([...Array(18).keys(), 20, 21, 22]);
  });
});

describe('text', () => {
  it('is Newton, whole, and validated on what is not trained on', async () => {
    const { train, validation, inputShape, classes } = await loadDataset('text');
    expect([train.count, validation.count]).toEqual([2975, 330]);
    expect(inputShape).toEqual([40, classes]);
    const { codes } = train as TextExamples;
    expect(codes.length).toBe(119029);
    expect(new Set([...codes, ...(validation as TextExamples).codes]).size).toBe(classes);
    const some = await loadDataset('text', { trainExamples: 10, seed: 2 });
    expect(some.train.count).toBe(10);
  });

  it('is learnt: a GRU soon tells more of it than the frequency of letters does', async () => {
    const data = await loadDataset('text', { trainExamples: 64, validationExamples: 16 });
    const options = {
      seed: 1,
      epochs: 4,
      batchSize: 16,
      options: { width: 0.125 },
      optimizer: { name: 'adam', learningRate: 0.01 },
    };
    const { history } = await trainTask({ task: findTask('text/chargru'), data, ...options });
    expect(history.loss[0]).toBeLessThan(Math.log(74));
    expect(history.val_loss[3]).toBeLessThan(3.2);
    expect(history.val_acc[3]).toBeGreaterThan(0.15);
    expect(history.val_perplexity).toEqual(history.val_loss.map(Math.exp));
    expect(history.perplexity).toEqual(history.loss.map(Math.exp));
    const augmented = trainTask({ task: findTask('text/chargru'), data, ...options, augmentation: { flip: true } });
    await expect(augmented).rejects.toThrow(UsageError);
  });
});
