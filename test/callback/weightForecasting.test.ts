import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { createGenericCompute } from '../../src/compute/genericCompute.js';
import { defaultRecommendation } from '../../src/nowcaster/recommendation.js';
import { PAPER_SPEC } from '../../src/nowcaster/spec.js';
import { referenceForward } from '../families/wnn/reference.js';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { fetchSource } from '../../src/callback/index.js';
import { WeightForecasting } from '../../src/callback/node.js';
import { WeightForecasting as BrowserWeightForecasting } from '../../src/callback/weightForecasting.js';
import { Random } from '../../src/random.js';
import { randomNetworks, writeNowcasterDirectory } from './nowcasterDirectory.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

function convModel(): tfl.Sequential {
  return tfl.sequential({
    layers: [
      tfl.layers.conv2d({ inputShape: [8, 8, 2], filters: 4, kernelSize: 3 }),
      tfl.layers.batchNormalization(),
      tfl.layers.depthwiseConv2d({ kernelSize: 3, depthMultiplier: 2 }),
      tfl.layers.flatten(),
      tfl.layers.dense({ units: 6 }),
    ],
  });
}

/** Weights of each epoch, as training might have left them: [epoch][tensor]. Some never move. */
function drawSnapshots(model: tfl.LayersModel, epochs: number): Float32Array[][] {
  const random = new Random(11);
  const shapes = model.getWeights().map((weight) => weight.size);
  const drifts = shapes.map((size) =>
    Float32Array.from({ length: size }, (_, i) => (i % 7 === 0 ? 0 : random.logUniform(1e-7, 0.1) * random.normal())),
  );
  const snapshots: Float32Array[][] = [];
  let current = shapes.map((size) => Float32Array.from({ length: size }, () => 0.2 * random.normal()));
  for (let epoch = 0; epoch < epochs; epoch++) {
    current = current.map((values, t) => values.map((value, i) => value + drifts[t][i] * (1 + 0.3 * random.normal())));
    snapshots.push(current);
  }
  return snapshots;
}

/**
 * What the published Python callback computes for one tensor, in float64: `published` adds the residual of a bias to the
 * raw last weight.
 */
function publishedArithmetic(parameters: Float32Array, window: readonly Float32Array[], faulty: boolean): Float64Array {
  const windowLength = window.length;
  return Float64Array.from({ length: window[0].length }, (_, j) => {
    const w = window.map((values) => values[j]);
    const range = Math.max(...w) - Math.min(...w) + 1e-8 + 1e-5;
    const x = w.map((value) => (value - w[0]) / range / 2);
    const [y] = referenceForward(PAPER_SPEC, parameters, x, 1);
    return ((faulty ? w[windowLength - 1] : x[windowLength - 1]) + y) * range * 2 + w[0];
  });
}

async function replaySnapshots(callback: WeightForecasting, model: tfl.LayersModel, snapshots: Float32Array[][]) {
  callback.setModel(model);
  await callback.onTrainBegin();
  for (const [epoch, values] of snapshots.entries()) {
    await callback.onEpochBegin(epoch);
    tf.tidy(() => model.setWeights(model.getWeights().map((weight, t) => tf.tensor(values[t].slice(), weight.shape))));
    await callback.onEpochEnd(epoch);
  }
  await callback.onEpochBegin(snapshots.length);
  return model.getWeights().map((weight) => weight.dataSync() as Float32Array);
}

describe('WeightForecasting', () => {
  for (const bias of ['normal', 'published'] as const)
    for (const [name, compute] of [
      ['the fused kernels', undefined],
      ['tfjs', createGenericCompute],
    ] as const)
      it(`gives the weights of the published callback's arithmetic, bias ${bias}, on ${name}`, async () => {
        const networks = randomNetworks();
        const callback = new WeightForecasting(networks, { bias, compute });
        const model = convModel();
        const snapshots = drawSnapshots(model, 10);
        const result = await replaySnapshots(callback, model, snapshots);
        const names = model.weights.map((weight) => weight.originalName.split('/').pop()!);
        const layers = model.weights.map((weight) => weight.originalName);
        let moved = 0;
        for (const [t, values] of result.entries()) {
          const window = snapshots.slice(5).map((snapshot) => snapshot[t]);
          if (/gamma|beta|moving/.test(names[t])) {
            expect(values, layers[t]).toEqual(window[4]);
            continue;
          }
          const kind =
            names[t] === 'bias' ? 'bias' : layers[t].includes('Dense') || layers[t].startsWith('dense') ? 'fc' : 'conv';
          const expected = publishedArithmetic(
            networks.parameters[kind],
            window,
            kind === 'bias' && bias === 'published',
          );
          for (const [i, value] of values.entries()) {
            expect(Math.abs(value - expected[i]), `${layers[t]} ${i}`).toBeLessThan(1e-5);
            if (Math.abs(expected[i] - window[4][i]) > 1e-4) moved++;
          }
        }
        expect(moved).toBeGreaterThan(250);
        await callback.dispose();
      });

  it('jumps to the horizon that is asked for, and refuses one that the nowcaster lacks', async () => {
    const networks = randomNetworks({ ...PAPER_SPEC, horizons: [3, 5, 10] });
    const model = convModel();
    const snapshots = drawSnapshots(model, 5);
    const results: Float32Array[][] = [];
    for (const horizon of [3, 10, undefined])
      results.push(await replaySnapshots(new WeightForecasting(networks, { horizon }), model, snapshots));
    expect(results[2]).toEqual(results[1]);
    expect(results[0]).not.toEqual(results[1]);
    expect(() => new WeightForecasting(networks, { horizon: 4 })).toThrow(
      /horizon 4; use one of its horizons: 3, 5, 10/,
    );
  });

  it('shrinks the horizon as training goes on, where a function says so', async () => {
    const networks = randomNetworks({ ...PAPER_SPEC, horizons: [3, 5, 10] });
    const model = convModel();
    const snapshots = drawSnapshots(model, 10);
    const asked: number[] = [];
    const shrinking = (epoch: number): number => {
      asked.push(epoch);
      return epoch < 5 ? 10 : 3;
    };
    const replay = (horizon: number | typeof shrinking, epochs: number) =>
      replaySnapshots(new WeightForecasting(networks, { horizon }), model, snapshots.slice(0, epochs));
    expect(await replay(shrinking, 5)).toEqual(await replay(10, 5));
    expect(await replay(shrinking, 10)).toEqual(await replay(3, 10));
    expect(new Set(asked)).toEqual(new Set([4, 9]));
    await expect(replay(() => 4, 5)).rejects.toThrow(/use one of its horizons: 3, 5, 10/);
  });

  it('takes each of several horizons for an equal part of a training, whose length must be known', async () => {
    const networks = randomNetworks({ ...PAPER_SPEC, horizons: [3, 5, 10] });
    const model = convModel();
    const snapshots = drawSnapshots(model, 10);
    const replay = (horizon: number | number[], epochs: number, length?: number) =>
      replaySnapshots(
        new WeightForecasting(networks, { horizon, length, watch: false }),
        model,
        snapshots.slice(0, epochs),
      );
    // Nowcasts follow the fifth of 11 epochs and the tenth: in the first half of the training and in the second.
    expect(await replay([10, 3], 5, 11)).toEqual(await replay(10, 5));
    expect(await replay([10, 3], 10, 11)).toEqual(await replay(3, 10));
    expect(await replay([10, 5, 3], 5, 11)).toEqual(await replay(5, 5));
    await expect(replay([10, 3], 5)).rejects.toThrow(/length is not known: horizon; give `length` in epochs/);
    expect(() => new WeightForecasting(networks, { horizon: [10, 4] })).toThrow(/horizon 4; use one of its horizons/);
    expect(() => new WeightForecasting(networks, { horizon: [] })).toThrow(
      /no horizon: horizon \[\]; give some of 3, 5, 10/,
    );
  });

  it('begins where windows lie in epochs such as the nowcaster was trained on, unless told otherwise', async () => {
    const directory = mkdtempSync(join(tmpdir(), 'wnn-start-'));
    try {
      writeNowcasterDirectory(directory);
      const path = join(directory, 'nowcaster.json');
      const manifest = JSON.parse(readFileSync(path, 'utf8'));
      manifest.recommended = defaultRecommendation(PAPER_SPEC, 3);
      writeFileSync(path, JSON.stringify(manifest));
      const model = convModel();
      const snapshots = drawSnapshots(model, 15);
      const nowcastsOf = async (callback: WeightForecasting) => {
        await replaySnapshots(callback, model, snapshots);
        return callback.history.map(({ epoch }) => epoch);
      };
      // The window of epochs 0 to 4 begins before epoch 3; that of 5 to 9 does not.
      expect(await nowcastsOf(await WeightForecasting.load(directory))).toEqual([9, 14]);
      expect(await nowcastsOf(await WeightForecasting.load(directory, { start: 0 }))).toEqual([4, 9, 14]);
      // Manifests of before said startEpoch.
      const { start, ...rest } = manifest.recommended;
      manifest.recommended = { ...rest, startEpoch: start };
      writeFileSync(path, JSON.stringify(manifest));
      expect((await WeightForecasting.load(directory)).start).toBe(7);
    } finally {
      rmSync(directory, { recursive: true });
    }
  });

  it('leaves alone the kinds for which the nowcaster has no network', async () => {
    const { spec, parameters } = randomNetworks();
    const callback = new WeightForecasting({ spec, parameters: { fc: parameters.fc } });
    const model = convModel();
    const snapshots = drawSnapshots(model, 5);
    const result = await replaySnapshots(callback, model, snapshots);
    expect(callback.history[0].scalars).toMatchObject({ conv: 0, bias: 0 });
    const changed = result.map((values, t) => values.some((value, i) => value !== snapshots[4][t][i]));
    expect(changed.filter(Boolean).length).toBe(1);
  });
});

describe('WeightForecasting.load', () => {
  const directory = mkdtempSync(join(tmpdir(), 'wnn-callback-'));
  const server = createServer((request, response) => {
    const [path, query] = request.url!.split('?');
    try {
      if (query !== undefined && query !== 'token=1') throw new Error('forbidden');
      response.end(readFileSync(join(directory, path)));
    } catch {
      response.statusCode = 404;
      response.end();
    }
  });
  let address = '';

  beforeAll(async () => {
    writeNowcasterDirectory(join(directory, 'some nowcaster'));
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    address = `http://127.0.0.1:${port}`;
  });
  afterAll(() => {
    server.close();
    rmSync(directory, { recursive: true });
  });

  it('loads the same from a path, a file address and over HTTP', async () => {
    const path = join(directory, 'some nowcaster');
    const model = convModel();
    const snapshots = drawSnapshots(model, 5);
    const expected = await replaySnapshots(new WeightForecasting(randomNetworks()), model, snapshots);
    for (const load of [
      () => WeightForecasting.load(path),
      () => WeightForecasting.load(`${path}/`),
      () => WeightForecasting.load(pathToFileURL(path)),
      () => WeightForecasting.load(String(pathToFileURL(path))),
    ])
      expect(await replaySnapshots(await load(), model, snapshots)).toEqual(expected);
  });

  it('fetches from an address with and without a slash or a query', async () => {
    writeNowcasterDirectory(join(directory, 'served'));
    const base = `${address}/served`;
    const model = convModel();
    const snapshots = drawSnapshots(model, 5);
    const expected = await replaySnapshots(new WeightForecasting(randomNetworks()), model, snapshots);
    for (const location of [base, `${base}/`, new URL(base), `${base}?token=1`]) {
      for (const load of [WeightForecasting.load, BrowserWeightForecasting.load]) {
        const callback = await load.call(WeightForecasting, location);
        expect(await replaySnapshots(callback as WeightForecasting, model, snapshots)).toEqual(expected);
      }
    }
  });

  it('names the file that is missing', async () => {
    await expect(WeightForecasting.load(join(directory, 'nowhere'))).rejects.toThrow(
      /no such file: .*nowhere\/nowcaster.json; give the directory/,
    );
    await expect(WeightForecasting.load(`${address}/nowhere`)).rejects.toThrow(
      /cannot fetch \(status 404\): http:.*nowhere\/nowcaster.json/,
    );
    await expect(fetchSource('http://127.0.0.1:1/x')('nowcaster.json')).rejects.toThrow(
      /cannot fetch: http:\/\/127.0.0.1:1\/x\/nowcaster.json/,
    );
  });
});
