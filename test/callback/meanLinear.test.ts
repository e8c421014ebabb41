// Jumps along the change of the weights' mean, against a float64 loop over all snapshots, and what is held for them.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { MeanLinearForecasting, type MeanLinearOptions } from '../../src/callback/meanLinear.js';
import { Random } from '../../src/random.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const SIZE = 6;

/** A walk that goes on from where a jump has led, and where each jump landed. */
async function walk(steps: number, options: MeanLinearOptions, resume: number[] = []) {
  const random = new Random(5);
  const variables = { 'a/kernel': tf.variable(tf.zeros([SIZE, 1])) };
  const create = () => new MeanLinearForecasting({ watch: false, ...options });
  let nowcasting = create();
  const trained: number[][] = [];
  const landed = new Map<number, number[]>();
  for (let step = 0; step < steps; step++) {
    if (resume.includes(step)) {
      const state = structuredClone(nowcasting.state());
      nowcasting = create();
      nowcasting.restore(state);
    }
    const values = [...variables['a/kernel'].dataSync()].map((value, i) => value + 0.1 * (i + 1) + random.normal());
    variables['a/kernel'].assign(tf.tensor2d(values, [SIZE, 1]));
    trained.push([...variables['a/kernel'].dataSync()]);
    const nowcast = await nowcasting.step(variables);
    if (nowcast) landed.set(step, [...variables['a/kernel'].dataSync()]);
  }
  return { nowcasting, trained, landed };
}

/** The mean of the `count` snapshots up to one, which was taken every `every` steps. */
function meanUpTo(trained: number[][], last: number, count: number, every: number): number[] {
  return trained[0].map((_, i) => {
    let sum = 0;
    for (let back = 0; back < count; back++) sum += trained[last - back * every][i];
    return sum / count;
  });
}

describe('MeanLinearForecasting', () => {
  it.each<
    [string, MeanLinearOptions, { averaged: number; window: number; horizon: number; every: number; at: number[] }]
  >([
    ['by default', {}, { averaged: 8, window: 2, horizon: 32, every: 10, at: [399, 799] }],
    [
      'with other windows',
      { averaged: 4, window: 3, horizon: 6, period: 8, stepScale: 0.5, cadence: { unit: 'step', every: 2 } },
      { averaged: 4, window: 3, horizon: 3, every: 2, at: [31, 47, 63, 79] },
    ],
    [
      'of single snapshots',
      { averaged: 1, window: 2, horizon: 5, period: 10, cadence: { unit: 'step', every: 1 } },
      { averaged: 1, window: 2, horizon: 5, every: 1, at: [9, 19, 29, 39] },
    ],
  ])('goes from the mean along its change, %s', async (_, options, { averaged, window, horizon, every, at }) => {
    const { trained, landed } = await walk(at.at(-1)! + 1, options);
    expect([...landed.keys()]).toEqual(at);
    for (const step of at) {
      const last = meanUpTo(trained, step, averaged, every);
      const first = meanUpTo(trained, step - (window - 1) * averaged * every, averaged, every);
      for (const [i, value] of landed.get(step)!.entries()) {
        const slope = (last[i] - first[i]) / ((window - 1) * averaged);
        expect(value).toBeCloseTo(last[i] + horizon * slope, 3);
      }
    }
  });

  it('holds sums only: as many buffers as means, whatever they are of', async () => {
    const { nowcasting } = await walk(40, { averaged: 8, window: 2, cadence: { unit: 'step', every: 1 } });
    expect(nowcasting.state().window.slots.map(({ length }) => length)).toEqual([SIZE, SIZE]);
  });

  it('reads weights only where a mean needs them', async () => {
    let reads = 0;
    const variable = tf.variable(tf.zeros([SIZE, 1]));
    const { data } = variable;
    variable.data = ((...args: []) => {
      reads++;
      return data.apply(variable, args);
    }) as typeof data;
    const nowcasting = new MeanLinearForecasting({ watch: false });
    for (let step = 0; step < 400; step++) await nowcasting.step({ 'a/kernel': variable });
    expect(reads).toBe(16);
  });

  it('gives the same when it is stopped and resumed at any step', async () => {
    const options: MeanLinearOptions = { averaged: 2, window: 3, period: 8, cadence: { unit: 'step', every: 2 } };
    const straight = await walk(50, options);
    expect(straight.landed.size).toBe(3);
    for (let step = 1; step < 50; step++)
      expect((await walk(50, options, [step])).landed, `at ${step}`).toEqual(straight.landed);
  });

  it.each<[string, MeanLinearOptions['kinds'], string[]]>([
    ['kernels and biases by default', undefined, ['dense/kernel', 'dense/bias']],
    ['normalizations where they are named', ['fc', 'norm'], ['dense/kernel', 'norm/gamma', 'norm/beta']],
  ])('moves %s', async (_, kinds, moved) => {
    const model = tfl.sequential();
    model.add(tfl.layers.dense({ units: 3, inputShape: [2], name: 'dense' }));
    model.add(tfl.layers.batchNormalization({ name: 'norm' }));
    const cadence = { unit: 'step', every: 1 } as const;
    const nowcasting = new MeanLinearForecasting({ averaged: 1, period: 2, watch: false, cadence, kinds });
    const values = () => new Map(model.weights.map((weight) => [weight.originalName, [...weight.read().dataSync()]]));
    const train = () => model.setWeights(model.getWeights().map((weight) => tf.add(weight, 0.25)));
    await nowcasting.step(model);
    train();
    const before = values();
    expect(await nowcasting.step(model)).not.toBeNull();
    const after = values();
    expect([...before.keys()].filter((name) => `${before.get(name)}` !== `${after.get(name)}`)).toEqual(moved);
    for (const name of moved)
      for (const [i, value] of after.get(name)!.entries()) expect(value).toBeCloseTo(before.get(name)![i] + 1, 5);
  });

  it('refuses what is impossible', () => {
    expect(() => new MeanLinearForecasting({ averaged: 0 })).toThrow(/averaged must be a whole number of at least 1/);
    expect(() => new MeanLinearForecasting({ window: 1 })).toThrow(/window must be .* at least 2/);
    expect(() => new MeanLinearForecasting({ horizon: 0 })).toThrow(/horizon must be above 0/);
    expect(() => new MeanLinearForecasting({ period: 20 })).toThrow(/multiple of 8: period 20; give e\.g\. 24/);
  });
});
