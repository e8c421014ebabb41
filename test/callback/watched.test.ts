// The watch in trainings whose answer is known: what it goes back to, what it keeps, what it costs; in fit and in loops of
// one's own.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import type { Forecaster } from '../../src/callback/forecaster.js';
import type { Nowcast } from '../../src/callback/nowcast.js';
import { type ForecastingOptions, PeriodicForecasting } from '../../src/callback/periodicForecasting.js';
import { DEFAULT_KINDS } from '../../src/nowcaster/spec.js';
import { Random } from '../../src/random.js';
import { lineForecaster } from './lineForecaster.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const inputs = () => tf.tensor2d([0.1, 0.4, -0.7, 0.2, 0.9, -0.3, 0.5, 0.5], [4, 2]);
const targets = () => tf.tensor2d([0.3, -0.2, 0.8, 0.1], [4, 1]);

function makeModel(optimizer: tf.Optimizer): tfl.Sequential {
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({ units: 3, inputShape: [2], kernelInitializer: tfl.initializers.glorotUniform({ seed: 3 }) }),
      tfl.layers.batchNormalization({}),
      tfl.layers.dense({ units: 1, kernelInitializer: tfl.initializers.glorotUniform({ seed: 4 }) }),
    ],
  });
  model.compile({ optimizer, loss: 'meanSquaredError' });
  return model;
}

async function valuesOf(model: tfl.LayersModel): Promise<number[]> {
  const state = (await model.optimizer.getWeights()).map(({ tensor }) => tensor);
  return [...model.getWeights(), ...state].flatMap((tensor) => [...tensor.dataSync()]);
}

/** Sends all weights far away, at every jump. */
const harmful = (cadence?: Forecaster['cadence']): Forecaster => ({
  windowLength: 3,
  cadence,
  kinds: DEFAULT_KINDS,
  async forecast({ snapshots }, out) {
    for (let i = 0; i < out.length; i++) out[i] = snapshots[2][i] + (i % 2 === 0 ? 30 : -30);
  },
  async dispose() {},
});

describe('going back in fit', () => {
  const train = async (optimizer: tf.Optimizer, epochs: number, callback?: PeriodicForecasting) => {
    const model = makeModel(optimizer);
    await model.fit(inputs(), targets(), { epochs, shuffle: false, verbose: 0, callbacks: callback ? [callback] : [] });
    return model;
  };

  it.each([
    ['momentum', () => tf.train.momentum(0.02, 0.9), 20],
    ['sgd', () => tf.train.sgd(0.05), 20],
    ['rmsprop', () => tf.train.rmsprop(0.003), 4],
    ['adam', () => tf.train.adam(0.003), 4],
  ] as const)(
    'restores weights, moving statistics and the state of %s: only the epochs in between are lost',
    async (_, create, digits) => {
      const callback = new PeriodicForecasting(harmful(), { start: 5 });
      const model = await train(create(), 20, callback);
      const reverted = callback.history.filter(({ outcome }) => outcome !== 'skipped');
      const [nowcast] = reverted;
      expect(nowcast).toMatchObject({ epoch: 5, outcome: 'reverted', probation: { verdict: 'reverted' } });
      expect(reverted.map(({ outcome }) => outcome)).toEqual(reverted.map(() => 'reverted'));
      const lost = reverted.reduce((sum, { probation }) => sum + probation!.snapshots, 0);
      const plain = await valuesOf(await train(create(), 20 - lost));
      const own = await valuesOf(model);
      expect(own.length).toBe(plain.length);
      for (const [i, value] of own.entries()) expect(value).toBeCloseTo(plain[i], digits);
      // All weights, moving statistics among them, and what the optimizer lists.
      expect(nowcast.probation!.bytes).toBe(4 * plain.length);
    },
  );

  it('tells what happened, and calls onNowcast when it applies a nowcast and when it goes back', async () => {
    const seen: string[] = [];
    const callback = new PeriodicForecasting(harmful(), {
      start: 5,
      onNowcast: ({ outcome, probation }: Nowcast) => void seen.push(`${outcome} ${probation?.verdict}`),
    });
    await train(tf.train.sgd(0.05), 20, callback);
    expect(seen.slice(0, 2)).toEqual(['kept pending', 'reverted reverted']);
    const { reason, probation } = callback.history[0];
    expect(reason).toMatch(/^after \d snapshots the training loss was .*, on its trend at most /);
    expect(probation!.loss!).toBeGreaterThan(probation!.allowed!);
    expect(probation!.allowed!).toBeGreaterThan(probation!.expected!);
  });

  it('starts afresh in the next fit', async () => {
    const callback = new PeriodicForecasting(harmful(), { start: 5 });
    const histories: unknown[] = [];
    for (let i = 0; i < 2; i++) {
      await train(tf.train.momentum(0.02, 0.9), 20, callback);
      histories.push(callback.history.map((nowcast) => ({ ...nowcast, seconds: 0 })));
    }
    expect(histories[0]).toMatchObject([{ outcome: 'reverted' }, { outcome: 'reverted' }]);
    expect(histories[1]).toEqual(histories[0]);
  });

  it('keeps no tensor', async () => {
    const model = makeModel(tf.train.adam(0.003));
    const callback = new PeriodicForecasting(harmful(), { start: 5, watch: { budget: 0.5 } });
    const [x, y] = [inputs(), targets()];
    const again = () => model.fit(x, y, { epochs: 20, verbose: 0, callbacks: [callback] });
    await again();
    const { numTensors } = tf.memory();
    await again();
    expect(callback.history.filter(({ outcome }) => outcome === 'reverted').length).toBeGreaterThan(1);
    expect(tf.memory().numTensors).toBe(numTensors);
  });

  it('refuses the state of another network before it trains', async () => {
    const callback = new PeriodicForecasting(harmful(), { start: 5 });
    await train(tf.train.sgd(0.05), 20, callback);
    const other = tfl.sequential({ layers: [tfl.layers.dense({ units: 1, inputShape: [2] })] });
    other.compile({ optimizer: 'sgd', loss: 'meanSquaredError' });
    const before = await valuesOf(other);
    callback.restore(callback.state());
    await expect(other.fit(inputs(), targets(), { epochs: 3, callbacks: [callback] })).rejects.toThrow(
      /restored nowcasting state is of another network/,
    );
    expect(await valuesOf(other)).toEqual(before);
  });

  it('refuses a cadence longer than the training before it trains', async () => {
    const callback = new PeriodicForecasting(harmful({ unit: 'step', every: 100 }));
    await expect(train(tf.train.sgd(0.05), 20, callback)).rejects.toThrow(
      /the training ends before its first snapshot: it has 20 steps: cadence every 100 steps/,
    );
  });
});

const STEPS = { unit: 'step', every: 5 } as const;
const SIZE = 20;

/**
 * Descends a quadratic by noisy gradients in a loop of one's own: half of the scalars are steep, where the noise keeps them
 * moving, and half are flat, where the progress is still to be made.
 */
async function descend(
  steps: number,
  nowcasting: PeriodicForecasting | null,
  {
    resume = [],
    create,
    momentum = false,
    loss: given = true,
  }: { resume?: number[]; create?: () => PeriodicForecasting; momentum?: boolean; loss?: boolean } = {},
) {
  const random = new Random(7);
  const curvature = Float64Array.from({ length: SIZE }, (_, i) => (i % 2 === 0 ? 1 : 0.01));
  const variable = tf.variable(tf.fill([SIZE, 1], 1));
  const optimizer = momentum ? tf.train.momentum(0.2, 0.5) : null;
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) {
    if (resume.includes(step) && nowcasting && create) {
      const state = structuredClone(nowcasting.state());
      nowcasting = create();
      nowcasting.restore(state);
    }
    const values = variable.dataSync() as Float32Array;
    const loss = values.reduce((sum, value, i) => sum + 0.5 * curvature[i] * value ** 2, 0);
    losses.push(loss);
    const gradient = Float32Array.from(
      values,
      (value, i) => curvature[i] * value + (i % 2) * 0.002 * random.normal() + (1 - (i % 2)) * 0.02 * random.normal(),
    );
    if (optimizer)
      tf.tidy(() => optimizer.applyGradients([{ name: variable.name, tensor: tf.tensor2d(gradient, [SIZE, 1]) }]));
    else
      variable.assign(
        tf.tensor2d(
          values.map((value, i) => value - 0.2 * gradient[i]),
          [SIZE, 1],
        ),
      );
    await nowcasting?.step({ 'dense/kernel': variable }, given ? loss : undefined, {
      optimizer: optimizer ?? undefined,
    });
  }
  const history = (nowcasting?.history ?? []).map((nowcast) => ({ ...nowcast, seconds: 0 }));
  return { losses, history, values: [...variable.dataSync()] };
}

describe('a quadratic with noise', () => {
  it('keeps jumps that raise the loss at once but pay over the period, and gains by them', async () => {
    const steps = 600;
    const nowcasting = new PeriodicForecasting(lineForecaster(3, STEPS).forecaster, {
      period: 4,
      start: 11,
      stepScale: 8,
      length: steps,
    });
    const [plain, own] = [await descend(steps, null), await descend(steps, nowcasting)];
    const jumps = own.history.filter(({ outcome }) => outcome !== 'skipped');
    expect(jumps.length).toBeGreaterThan(5);
    // The loss of the step after a jump, and that of the step before.
    const raised = jumps.filter(({ snapshot }) => own.losses[5 * (snapshot + 1)] > own.losses[5 * (snapshot + 1) - 1]);
    expect(raised.length).toBeGreaterThan(2);
    expect(jumps.filter(({ outcome }) => outcome === 'kept').length).toBe(jumps.length);
    const mean = (losses: number[]) => losses.slice(-50).reduce((sum, loss) => sum + loss, 0) / 50;
    expect(mean(own.losses)).toBeLessThan(0.7 * mean(plain.losses));
  });
});

describe('where every jump harms', () => {
  it.each([true, false])('no more than a tenth of the steps is lost, its length known: %s', async (known) => {
    const steps = 400;
    const nowcasting = new PeriodicForecasting(harmful(STEPS), {
      period: 3,
      length: known ? steps : undefined,
      onNote: () => {},
    });
    const own = await descend(steps, nowcasting);
    const reverted = own.history.filter(({ outcome }) => outcome === 'reverted');
    expect(reverted.length).toBeGreaterThan(1);
    expect(own.history.filter(({ outcome }) => outcome === 'kept')).toEqual([]);
    const lost = reverted.reduce((sum, { probation }) => sum + 5 * probation!.snapshots, 0);
    expect(lost).toBeLessThanOrEqual(0.1 * steps);
    // What is left is plain training: the flat half is where that many steps lead to.
    const plain = await descend(steps - lost, null);
    const flat = ({ values }: { values: number[] }) => values.reduce((sum, value, i) => sum + (i % 2) * value, 0) / 10;
    expect(flat(own)).toBeCloseTo(flat(plain), 2);
  });
});

describe('in a loop of one’s own', () => {
  it('gives the same when it is stopped and resumed at any step, probation and going back included', async () => {
    const options: ForecastingOptions = {
      period: 3,
      watch: { budget: 0.5 },
      stepScale: { min: 0.5, max: 2 },
      onNote: () => {},
    };
    const create = () => new PeriodicForecasting(harmful(STEPS), options);
    const straight = await descend(80, create(), { momentum: true });
    expect(straight.history.map(({ outcome }) => outcome)).toContain('reverted');
    for (let step = 1; step < 80; step++)
      expect(await descend(80, create(), { momentum: true, resume: [step], create }), `at ${step}`).toEqual(straight);
    expect(await descend(80, create(), { momentum: true, resume: [16, 17, 18, 29, 45], create })).toEqual(straight);
  });

  it('says once that the optimizer is out of reach', async () => {
    const notes: string[] = [];
    const onNote = (note: string) => notes.push(note);
    await descend(300, new PeriodicForecasting(harmful(STEPS), { period: 3, length: 300, onNote }));
    expect(notes).toEqual([expect.stringMatching(/optimizer’s state is out of reach/)]);
  });

  it('keeps every jump where no loss is given, which it says once, and with `watch: false`', async () => {
    const notes: string[] = [];
    const onNote = (note: string) => notes.push(note);
    const create = (watch: boolean) => new PeriodicForecasting(lineForecaster(3, STEPS).forecaster, { watch, onNote });
    const unseen = await descend(100, create(true), { loss: false });
    const unwatched = await descend(100, create(false));
    expect(unseen.history.map(({ outcome, probation }) => [outcome, probation])).toEqual(
      Array.from({ length: 6 }, () => ['kept', null]),
    );
    expect(unwatched.values).toEqual(unseen.values);
    expect(notes).toEqual([expect.stringMatching(/^No loss is given to `step`, so that every nowcast is kept/)]);
  });
});

describe('options that are impossible', () => {
  it.each<[ForecastingOptions, RegExp]>([
    [{ watch: { budget: 0 } }, /budget of a watch is a share.*above 0 and below 1/],
    [{ watch: false, stepScale: 'adaptive' }, /adapts by what the watch sees, and the watch is off/],
    [{ stepScale: { start: 3, max: 2 } }, /begins between its bounds/],
    [{ stepScaleDecay: { over: 2 } }, /not a decay of the step scale/],
    [{ length: 0 }, /length must be a whole number of at least 1/],
    [{ kinds: ['norm'] }, /no forecasts of norm.*give some of conv, fc, bias/],
    [{ recalibrate: { batches: undefined as never } }, /recalibration needs training batches/],
    [{ recalibrate: { batches: () => [], n: 0 } }, /whole number of batches/],
  ])('%o', (options, message) => {
    expect(() => new PeriodicForecasting(harmful(), options)).toThrow(message);
  });
});

describe('the decay of the step scale', () => {
  it('takes it to its floor at the end of a training whose length is known', async () => {
    const scales = async (shape: 'linear' | 'cosine') => {
      const nowcasting = new PeriodicForecasting(lineForecaster(3, STEPS).forecaster, {
        watch: false,
        length: 100,
        stepScale: 2,
        stepScaleDecay: { shape, over: 0.5, to: 0.2 },
      });
      const { history } = await descend(100, nowcasting);
      return history.map(({ snapshot, stepScale }) => [(snapshot + 1) / 20, stepScale]);
    };
    for (const [done, scale] of await scales('linear'))
      expect(scale).toBeCloseTo(2 * (1 - 0.8 * Math.max(0, (done - 0.5) / 0.5)), 12);
    for (const [done, scale] of await scales('cosine'))
      expect(scale).toBeCloseTo(2 * (1 - (0.8 * (1 - Math.cos(Math.PI * Math.max(0, (done - 0.5) / 0.5)))) / 2), 12);
  });
});
