import { describe, expect, it } from 'vitest';
import { ACCURACY, addLossMetrics, isBetter, PERPLEXITY, TRAINING_LOSS } from '../../src/tasks/metric.js';
import { findTask } from '../../src/tasks/task.js';

describe('isBetter', () => {
  it('follows the direction of the metric', () => {
    expect([isBetter(ACCURACY, 0.7, 0.6), isBetter(ACCURACY, 0.6, 0.6), isBetter(ACCURACY, 0.5, 0.6)]).toEqual([
      true,
      false,
      false,
    ]);
    expect([isBetter(PERPLEXITY, 5, 6), isBetter(PERPLEXITY, 6, 6), isBetter(TRAINING_LOSS, 7, 6)]).toEqual([
      true,
      false,
      false,
    ]);
    expect(isBetter(PERPLEXITY, Number.NaN, 6) || isBetter(ACCURACY, 0.5, Number.NaN)).toBe(false);
  });
});

describe('the metric of a task', () => {
  it('is accuracy for images and perplexity for text', () => {
    expect(findTask('cifar10/simplenet').metric).toBe(ACCURACY);
    expect(findTask('text/chargru').metric).toBe(PERPLEXITY);
  });

  it('adds perplexity to the losses of text alone', () => {
    const losses = { loss: Math.log(8), val_loss: Math.log(16) };
    const text = { ...losses };
    addLossMetrics(text, PERPLEXITY);
    expect(Object.keys(text)).toEqual(['loss', 'val_loss', 'perplexity', 'val_perplexity']);
    expect((text as Record<string, number>).perplexity).toBeCloseTo(8, 12);
    expect((text as Record<string, number>).val_perplexity).toBeCloseTo(16, 12);
    const images = { ...losses };
    addLossMetrics(images, ACCURACY);
    expect(images).toEqual(losses);
  });
});
