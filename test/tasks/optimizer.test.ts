import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import {
  completeOptimizer,
  evaluatesElsewhere,
  makeOptimizer,
  OPTIMIZERS,
  setLearningRate,
} from '../../src/tasks/optimizer.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const CURVATURE = [1, 4, 0.25, 9];
const START = [1, -2, 3, 0.5];

/** Minimizes sum(c/2 * w^2) and gives w after each step. */
function minimize(optimizer: tf.Optimizer, steps: number): number[][] {
  const w = tf.tidy(() => tf.variable(tf.tensor1d(START)));
  const c = tf.tensor1d(CURVATURE);
  const path: number[][] = [];
  for (let step = 0; step < steps; step++) {
    optimizer.minimize(() => tf.sum(tf.mul(tf.mul(c, 0.5), tf.square(w))) as tf.Scalar, false, [w]);
    path.push(Array.from(w.dataSync()));
  }
  w.dispose();
  c.dispose();
  optimizer.dispose();
  return path;
}

/** The same in float64: `update(g, i, step)` says what is subtracted from weight i, after it was multiplied by `keep`. */
function minimize64(update: (g: number, i: number, step: number) => number, steps: number, keep = 1): number[][] {
  const w = [...START];
  return Array.from({ length: steps }, (_, step) => {
    const gradients = w.map((value, i) => CURVATURE[i] * value);
    gradients.forEach((g, i) => {
      w[i] = w[i] * keep - update(g, i, step + 1);
    });
    return [...w];
  });
}

function expectSamePath(actual: number[][], expected: number[][]): void {
  actual.forEach((weights, step) => {
    weights.forEach((weight, i) => {
      expect(weight).toBeCloseTo(expected[step][i], 4);
    });
  });
}

function adamUpdate(rate: number, beta1: number, beta2: number, epsilon: number) {
  const m = START.map(() => 0);
  const v = START.map(() => 0);
  return (g: number, i: number, step: number) => {
    m[i] = beta1 * m[i] + (1 - beta1) * g;
    v[i] = beta2 * v[i] + (1 - beta2) * g * g;
    return (rate * (m[i] / (1 - beta1 ** step))) / (Math.sqrt(v[i] / (1 - beta2 ** step)) + epsilon);
  };
}

describe('makeOptimizer', () => {
  it('steps as Adam does', () => {
    const path = minimize(makeOptimizer({ name: 'adam', learningRate: 0.1, beta1: 0.8 }), 20);
    expectSamePath(path, minimize64(adamUpdate(0.1, 0.8, 0.999, 1e-7), 20));
  });

  it('steps as AdamW does: decay beside the moments, not through them', () => {
    const path = minimize(makeOptimizer({ name: 'adamw', learningRate: 0.1, weightDecay: 0.5 }), 20);
    expectSamePath(path, minimize64(adamUpdate(0.1, 0.9, 0.999, 1e-7), 20, 1 - 0.1 * 0.5));
  });

  it('steps as gradient descent does', () => {
    const path = minimize(makeOptimizer({ name: 'sgd', learningRate: 0.1 }), 20);
    expectSamePath(
      path,
      minimize64((g) => 0.1 * g, 20),
    );
  });

  it.each([false, true])('steps as momentum does, Nesterov %s', (nesterov) => {
    const path = minimize(makeOptimizer({ name: 'momentum', learningRate: 0.02, momentum: 0.8, nesterov }), 20);
    const velocity = START.map(() => 0);
    const expected = minimize64((g, i) => {
      velocity[i] = 0.8 * velocity[i] + g;
      return 0.02 * (nesterov ? g + 0.8 * velocity[i] : velocity[i]);
    }, 20);
    expectSamePath(path, expected);
  });

  it('steps as RMSprop does', () => {
    const path = minimize(makeOptimizer({ name: 'rmsprop', learningRate: 0.01, decay: 0.8, momentum: 0.5 }), 20);
    const square = START.map(() => 0);
    const velocity = START.map(() => 0);
    const expected = minimize64((g, i) => {
      square[i] = 0.8 * square[i] + 0.2 * g * g;
      velocity[i] = 0.5 * velocity[i] + (0.01 * g) / Math.sqrt(square[i] + 1e-7);
      return velocity[i];
    }, 20);
    expectSamePath(path, expected);
  });

  it.each([0, 0.3])('steps as Schedule-Free AdamW does, and validates x, at weight decay %d', (weightDecay) => {
    const rates = Array.from({ length: 30 }, (_, t) => 0.1 * Math.min(1, (t + 1) / 4));
    const optimizer = makeOptimizer({ name: 'schedule-free', learningRate: 0.1, beta1: 0.8, beta2: 0.99, weightDecay });
    const w = tf.tidy(() => tf.variable(tf.tensor1d(START)));
    const other = tf.variable(tf.scalar(5));
    const c = tf.tensor1d(CURVATURE);
    // The three sequences of the paper, as it writes them.
    let z = [...START];
    let x = [...START];
    const v = START.map(() => 0);
    let weights = 0;
    for (const [t, rate] of rates.entries()) {
      const y = z.map((value, i) => 0.2 * value + 0.8 * x[i]);
      for (const [i, value] of w.dataSync().entries()) expect(Math.abs(value - y[i])).toBeLessThan(1e-5);
      setLearningRate(optimizer, rate);
      optimizer.minimize(() => tf.sum(tf.mul(tf.mul(c, 0.5), tf.square(w))) as tf.Scalar, false, [w]);
      weights += rate ** 2;
      z = z.map((value, i) => {
        const g = CURVATURE[i] * y[i];
        v[i] = 0.99 * v[i] + 0.01 * g * g;
        return value - rate * (g / (Math.sqrt(v[i] / (1 - 0.99 ** (t + 1))) + 1e-8) + weightDecay * y[i]);
      });
      x = x.map((value, i) => value + (rate ** 2 / weights) * (z[i] - value));
      if (!evaluatesElsewhere(optimizer)) throw new Error('validates what it trains');
      const [evaluated, untouched] = optimizer.evaluationWeights([w, other]);
      for (const [i, value] of evaluated.dataSync().entries()) expect(Math.abs(value - x[i])).toBeLessThan(1e-5);
      expect(untouched.dataSync()[0]).toBe(5);
    }
    optimizer.dispose();
    tf.dispose([w, other, c]);
  });

  it.each(OPTIMIZERS)('leaves no tensor of %s behind', (name) => {
    const before = tf.memory().numTensors;
    minimize(makeOptimizer({ name, learningRate: 0.01 }), 3);
    expect(tf.memory().numTensors).toBe(before);
  });
});

describe('completeOptimizer', () => {
  it('fills in the defaults and keeps what is given', () => {
    expect(completeOptimizer({ name: 'adamw', learningRate: 0.01, beta1: 0.5 })).toEqual({
      name: 'adamw',
      learningRate: 0.01,
      beta1: 0.5,
      beta2: 0.999,
      epsilon: 1e-7,
      weightDecay: 0.004,
    });
  });

  it('refuses what it does not know', () => {
    expect(() => completeOptimizer({ name: 'adma', learningRate: 0.01 })).toThrow(/did you mean adam\?/);
    expect(() => completeOptimizer({ name: 'sgd', learningRate: 0.01, momentum: 0.9 })).toThrow(UsageError);
    expect(() => completeOptimizer({ name: 'momentum', learningRate: 0.01, nesterov: 1 })).toThrow(/must be a boolean/);
    expect(() => completeOptimizer({ name: 'sgd', learningRate: Number.NaN })).toThrow(UsageError);
    expect(() => completeOptimizer({ name: 'sgd' })).toThrow(UsageError);
  });
});
