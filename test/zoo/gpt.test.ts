import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { UsageError } from '../../src/errors.js';
import { tensorKind } from '../../src/trajectory/kind.js';
import { buildModel } from '../../src/zoo/index.js';
import type { ArchitectureOptions } from '../../src/zoo/options.js';
import { wave } from './finiteDifferences.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const STEPS = 6;
const SYMBOLS = 5;

const build = (options: ArchitectureOptions, seed = 1) =>
  buildModel('gpt', {
    inputShape: [STEPS, SYMBOLS],
    classes: SYMBOLS,
    seed,
    options: { width: 0.125, depth: 2, heads: 2, ...options },
  });

const oneHot = (symbols: number[]) =>
  tf.cast(tf.oneHot(tf.tensor2d([symbols], undefined, 'int32'), SYMBOLS), 'float32');

/** Weights larger than the initial ones, so that all paths matter. */
function stir(model: tfl.LayersModel): void {
  model.setWeights(model.getWeights().map((w, i) => tf.add(w, tf.tensor(wave(w.size, 0.5, 1 + i / 7), w.shape))));
}

/** Gradients of the mean cross-entropy by the weights' original names. */
function gradientsOf(model: tfl.LayersModel, xs: tf.Tensor, targets: tf.Tensor): Map<string, tf.Tensor> {
  // tfjs declares the variable of a weight as protected.
  const variables = model.trainableWeights.map((weight) => (weight as unknown as { val: tf.Variable }).val);
  const { grads } = tf.variableGrads(() => {
    const probabilities = model.apply(xs, { training: true }) as tf.Tensor;
    return tf.neg(tf.mean(tf.log(tf.sum(tf.mul(probabilities, targets), -1)))) as tf.Scalar;
  }, variables);
  return new Map(model.trainableWeights.map(({ originalName }, i) => [originalName, grads[variables[i].name]]));
}

describe('gpt', () => {
  it('predicts each character from itself and earlier ones alone', () => {
    const model = build({});
    stir(model);
    const rows = (symbols: number[]) => (model.predict(oneHot(symbols)) as tf.Tensor3D).arraySync()[0];
    const first = rows([0, 1, 2, 3, 4, 0]);
    const other = rows([0, 1, 2, 4, 4, 0]);
    for (const row of first) expect(row.reduce((a, b) => a + b)).toBeCloseTo(1, 5);
    expect(other.slice(0, 3)).toEqual(first.slice(0, 3));
    for (let step = 3; step < STEPS; step++) {
      const change = Math.max(...other[step].map((value, i) => Math.abs(value - first[step][i])));
      expect(change).toBeGreaterThan(1e-4);
    }
    // The same characters in another order: positions count.
    expect(rows([1, 0, 2, 3, 4, 0])[5][0]).not.toBeCloseTo(first[5][0], 5);
  });

  it('gives a tied table the gradients of both of its uses', () => {
    const tied = build({ tied: true });
    const untied = build({ tied: false });
    stir(tied);
    // The untied network with the same table at both ends and no offset.
    const table = tied.getWeights()[0] as tf.Tensor2D;
    untied.setWeights([...tied.getWeights(), tf.transpose(table), tf.zeros([SYMBOLS])]);
    const xs = oneHot([0, 1, 2, 3, 4, 0]);
    const targets = oneHot([1, 2, 3, 4, 0, 2]);
    const own = gradientsOf(tied, xs, targets).get('embedding/embeddings')!.dataSync();
    const apart = gradientsOf(untied, xs, targets);
    const atInput = apart.get('embedding/embeddings')!;
    const atOutput = tf.transpose(apart.get('classes/kernel')!);
    for (const part of [atInput, atOutput]) expect(tf.max(tf.abs(part)).dataSync()[0]).toBeGreaterThan(0.01);
    const sum = tf.add(atInput, atOutput).dataSync();
    own.forEach((value, i) => {
      expect(value).toBeCloseTo(sum[i], 5);
    });
  });

  it('names its weights by their kinds', () => {
    const kinds = build({ tied: false, depth: 1 }).weights.map(({ originalName, shape }) => {
      return `${originalName} ${tensorKind(originalName, shape as number[])}`;
    });
    const block = ['attention_qkv', 'attention_out', 'dense1', 'dense2'];
    expect(kinds).toEqual(
      expect.arrayContaining([
        ...block.flatMap((layer) => [`block1_${layer}/kernel fc`, `block1_${layer}/bias bias`]),
        ...['block1_norm1', 'block1_norm2', 'norm'].flatMap((layer) => [`${layer}/gamma norm`, `${layer}/beta norm`]),
      ]),
    );
    expect(kinds.slice(0, 2)).toEqual(['embedding/embeddings embedding', 'positions/embeddings embedding']);
    expect(kinds.slice(2).filter((line) => !/(fc|bias|norm)$/.test(line))).toEqual([]);
  });

  it('comes back from its saved form', async () => {
    const model = build({});
    stir(model);
    const restored = await tfl.models.modelFromJSON(model.toJSON(undefined, false) as never);
    restored.setWeights(model.getWeights());
    const x = oneHot([3, 1, 4, 1, 0, 2]);
    const expected = (model.predict(x) as tf.Tensor).dataSync();
    (restored.predict(x) as tf.Tensor).dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 5);
    });
  });

  it('takes depth and width, with as many units as its heads divide', () => {
    const units = (options: ArchitectureOptions) => build(options).getWeights()[0].shape[1];
    expect([units({}), units({ width: 0.3, heads: 4 }), units({ width: 1 })]).toEqual([8, 20, 64]);
    const norms = build({ depth: 3 }).weights.filter(({ originalName }) => originalName.endsWith('gamma'));
    expect(norms).toHaveLength(7);
    expect(() => build({ heads: 1.5 })).toThrow(UsageError);
  });
});
