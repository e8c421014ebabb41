// A training that is stopped and resumed at any epoch or step of a period gives the same bytes as one that is not.

import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { type ForecastingOptions, PeriodicForecasting } from '../../src/callback/periodicForecasting.js';
import { lineForecaster } from './lineForecaster.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const BATCHES = 3;
const inputs = () => tf.tensor2d([0.1, 0.4, -0.7, 0.2, 0.9, -0.3], [3, 2]);
const targets = () => tf.tensor2d([0.3, -0.2, 0.8], [3, 1]);

function makeModel(): tfl.Sequential {
  const model = tfl.sequential({
    layers: [
      tfl.layers.dense({
        units: 1,
        inputShape: [2],
        kernelInitializer: tfl.initializers.glorotUniform({ seed: 3 }),
      }),
    ],
  });
  model.compile({ optimizer: tf.train.momentum(0.05, 0.5), loss: 'meanSquaredError' });
  return model;
}

/** The same three batches each epoch, as a dataset. */
function batches() {
  return {
    size: BATCHES,
    async iterator() {
      let next = 0;
      return {
        async next() {
          if (next === BATCHES) return { done: true, value: null };
          const i = next++;
          return { done: false, value: { xs: tf.slice(inputs(), i, 1), ys: tf.slice(targets(), i, 1) } };
        },
      };
    },
  };
}

type Train = (model: tfl.Sequential, args: tfl.ModelFitArgs) => Promise<unknown>;

const WAYS: Record<string, Train> = {
  fit: (model, args) =>
    model.fit(inputs(), targets(), { ...args, batchSize: 1, shuffle: false, verbose: 0, yieldEvery: 'never' }),
  fitDataset: (model, args) =>
    model.fitDataset(batches() as never, { ...args, epochs: args.epochs!, verbose: 0, yieldEvery: 'never' }),
};

const EPOCHS = 13;

/** Trains, stopped after the given epochs; an instance of its own goes on each time. */
async function train(
  way: Train,
  stops: readonly number[],
  options: ForecastingOptions,
  /** Whether the fits count their epochs on from those before. */
  countsOn = true,
) {
  const model = makeModel();
  const create = () => new PeriodicForecasting(lineForecaster(3).forecaster, { onNote: () => {}, ...options });
  let nowcasting = create();
  let begin = 0;
  for (const end of [...stops, EPOCHS]) {
    if (begin > 0) {
      const state = structuredClone(nowcasting.state());
      nowcasting = create();
      nowcasting.restore(state);
    }
    const epochs = countsOn ? { initialEpoch: begin, epochs: EPOCHS } : { epochs: EPOCHS - begin };
    let ended = begin;
    const stop = new tfl.CustomCallback({
      onEpochEnd: async () => {
        ended++;
        model.stopTraining = ended === end;
      },
    });
    await way(model, { ...epochs, callbacks: [stop, nowcasting] });
    begin = end;
  }
  // How long it took is not the same, nor the numbers of epochs where each fit counts from 0.
  const nowcasts = nowcasting.history.map((nowcast) => ({ ...nowcast, seconds: 0, epoch: null }));
  return { nowcasts, weights: model.getWeights().flatMap((weight) => [...weight.dataSync()]) };
}

const EVERY_STOP = Array.from({ length: EPOCHS - 1 }, (_, i) => i + 1);

/** Jumps ten times too far: the watch goes back again and again. */
const WATCHED: ForecastingOptions = { stepScale: 10, watch: { budget: 0.8 } };
/** Of 39 steps, as every 4. */
const COUNTED = { cadence: { snapshots: 9 } } as const;
const BY_STEPS = { cadence: { unit: 'step', every: 4 } } as const;

describe.each(Object.entries(WAYS))('in %s', (_, way) => {
  it.each([
    ['epochs', { watch: false }, [2, 5, 8, 11]],
    ['epochs, continued', { watch: false, continue: true }, [2, 5, 8, 11]],
    ['steps', { watch: false, ...BY_STEPS }, [2, 5, 8]],
    ['steps, continued', { watch: false, ...BY_STEPS, continue: true }, [2, 5, 8]],
    ['a number of snapshots', { watch: false, ...COUNTED }, [2, 5, 8]],
    [
      'a number of snapshots, continued',
      { watch: false, ...COUNTED, continue: true, length: EPOCHS * BATCHES },
      [2, 5, 8],
    ],
    ['epochs, watched', WATCHED, [5]],
    ['epochs, watched and continued', { ...WATCHED, continue: true, length: EPOCHS }, [5]],
    ['steps, watched', { ...WATCHED, ...BY_STEPS }, [5]],
    ['steps, watched and continued', { ...WATCHED, ...BY_STEPS, continue: true, length: EPOCHS * BATCHES }, [5]],
  ] as [string, ForecastingOptions, number[]][])(
    'is the same when it is stopped after any epoch: %s',
    async (...row) => {
      const [, options, expected] = row;
      const straight = await train(way, [], options);
      expect(straight.nowcasts.filter(({ outcome }) => outcome !== 'skipped').map(({ snapshot }) => snapshot)).toEqual(
        expected,
      );
      if (options.watch !== false) expect(straight.nowcasts.some(({ outcome }) => outcome === 'reverted')).toBe(true);
      for (const stop of EVERY_STOP)
        expect(await train(way, [stop], options, stop % 2 === 0), `stopped after ${stop}`).toEqual(straight);
      expect(await train(way, EVERY_STOP, options)).toEqual(straight);
    },
  );
});
