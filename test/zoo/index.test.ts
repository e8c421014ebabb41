import { createHash } from 'node:crypto';
import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { MismatchError, UsageError } from '../../src/errors.js';
import { architectureNames, buildModel, takesInputs } from '../../src/zoo/index.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

const DIGITS = { inputShape: [28, 28, 1], classes: 10, seed: 1 };
const TEXT = { inputShape: [40, 74], classes: 74, seed: 1 };
const COLORS = { inputShape: [32, 32, 3], classes: 10, seed: 1 };

const sum = (values: number[]) => values.reduce((a, b) => a + b, 0);
const range = (n: number) => Array.from({ length: n }, (_, i) => i);

/** Convolution k x k with offset; without. */
const conv = (k: number, from: number, to: number) => (k * k * from + 1) * to;
const bare = (k: number, from: number, to: number) => k * k * from * to;
const dense = (from: number, to: number) => (from + 1) * to;
/** Trained parameters of a batch norm: gamma and beta. */
const norm = (channels: number) => 2 * channels;

/** He et al.: 2n convolutions of 16, 32 and 64 maps after the first one; shortcuts have no parameters. */
function resnet(depth: number, c: number): number {
  const convolutions = (from: number, to: number) =>
    bare(3, from, to) + norm(to) + ((depth - 2) / 3 - 1) * (bare(3, to, to) + norm(to));
  return bare(3, c, 16) + norm(16) + convolutions(16, 16) + convolutions(16, 32) + convolutions(32, 64) + dense(64, 10);
}

/** Simonyan and Zisserman's configuration A up to the last pooling. */
const vgg11Convolutions = (c: number) =>
  conv(3, c, 64) + conv(3, 64, 128) + conv(3, 128, 256) + conv(3, 256, 256) + conv(3, 256, 512) + 3 * conv(3, 512, 512);

/** Howard et al., table 1: a depthwise and a pointwise convolution each, both with batch norm. */
function mobilenetFeatures(c: number): number {
  const channels = [32, 64, 128, 128, 256, 256, 512, 512, 512, 512, 512, 512, 1024, 1024];
  const pairs = channels.slice(1).map((to, i) => {
    const from = channels[i];
    return 9 * from + norm(from) + bare(1, from, to) + norm(to);
  });
  return bare(3, c, 32) + norm(32) + sum(pairs);
}

/** Sandler et al., table 2. A block of expansion 1 has no expanding convolution. */
function mobilenetv2Features(c: number): number {
  let total = bare(3, c, 32) + norm(32);
  let from = 32;
  const rows = [
    [1, 16, 1],
    [6, 24, 2],
    [6, 32, 3],
    [6, 64, 4],
    [6, 96, 3],
    [6, 160, 3],
    [6, 320, 1],
  ];
  for (const [expansion, to, blocks] of rows) {
    for (let block = 0; block < blocks; block++) {
      const inner = from * expansion;
      if (expansion > 1) total += bare(1, from, inner) + norm(inner);
      total += 9 * inner + norm(inner) + bare(1, inner, to) + norm(to);
      from = to;
    }
  }
  return total + bare(1, 320, 1280) + norm(1280);
}

/** Ma et al., table 5, width 1: units that halve the image have two branches, the others work on half of the channels. */
function shufflenetv2Features(c: number): number {
  const pointwise = (from: number, to: number) => bare(1, from, to) + norm(to);
  const depthwise = (channels: number) => 9 * channels + norm(channels);
  const stage = (from: number, to: number, units: number) => {
    const half = to / 2;
    const tail = depthwise(half) + pointwise(half, half);
    const first = depthwise(from) + pointwise(from, half) + pointwise(from, half) + tail;
    return first + (units - 1) * (pointwise(half, half) + tail);
  };
  return bare(3, c, 24) + norm(24) + stage(24, 116, 4) + stage(116, 232, 8) + stage(232, 464, 4) + pointwise(464, 1024);
}

/** Huang et al., DenseNet-BC, k = 12, L = 40: each layer sees 12 more channels than the one before. */
function densenet(c: number): number {
  const layer = (from: number) => norm(from) + bare(1, from, 48) + norm(48) + bare(3, 48, 12);
  const block = (from: number) => sum(range(6).map((i) => layer(from + 12 * i)));
  const transition = (from: number) => norm(from) + bare(1, from, from / 2);
  // Channels: 24 + 72 = 96, halved 48; 48 + 72 = 120, halved 60; 60 + 72 = 132.
  return (
    bare(3, c, 24) + block(24) + transition(96) + block(48) + transition(120) + block(60) + norm(132) + dense(132, 10)
  );
}

/** Trained parameters by architecture, for c input channels and images of 28 or 32. */
const TRAINED: Record<string, (c: number, size: number) => number> = {
  // Both sizes end in 5x5 of 16 maps.
  lenet: (c) => conv(5, c, 6) + conv(5, 6, 16) + dense(400, 120) + dense(120, 84) + dense(84, 10),
  mlp: (c, size) => dense(c * size * size, 128) + dense(128, 64) + dense(64, 10),
  // Halved four times: 28 ends in 1x1, 32 in 2x2.
  simplenet: (c, size) =>
    conv(3, c, 8) +
    conv(3, 8, 16) +
    conv(3, 16, 32) +
    conv(3, 32, 32) +
    dense(size === 28 ? 32 : 128, 64) +
    dense(64, 10),
  // Halved three times, rounded up: 4x4.
  vgg: (c) =>
    conv(3, c, 16) +
    conv(3, 16, 16) +
    conv(3, 16, 32) +
    conv(3, 32, 32) +
    conv(3, 32, 64) +
    conv(3, 64, 64) +
    dense(16 * 64, 10),
  'vgg-11': (c) => vgg11Convolutions(c) + dense(512, 10),
  'resnet-8': (c) => resnet(8, c),
  'resnet-14': (c) => resnet(14, c),
  'resnet-20': (c) => resnet(20, c),
  'resnet-32': (c) => resnet(32, c),
  mobilenet: (c) => mobilenetFeatures(c) + dense(1024, 10),
  mobilenetv2: (c) => mobilenetv2Features(c) + dense(1280, 10),
  shufflenetv2: (c) => shufflenetv2Features(c) + dense(1024, 10),
  densenet,
  // Three gates of 128 states, each from 74 symbols, 128 states and an offset.
  chargru: () => 3 * 128 * (74 + 128 + 1) + dense(128, 74),
  // Characters, positions, four blocks of 64 units, the last norm; the output layer is the characters' table.
  gpt: () =>
    74 * 64 +
    40 * 64 +
    4 * (norm(64) + dense(64, 192) + dense(64, 64) + norm(64) + dense(64, 256) + dense(256, 64)) +
    norm(64),
};

/** What an architecture takes. */
const inputsOf = (name: string) => (takesInputs(name, DIGITS.inputShape) ? DIGITS : TEXT);

function countTrained(model: tfl.LayersModel): number {
  return sum(model.trainableWeights.map((weight) => tf.util.sizeFromShape(weight.shape as number[])));
}

describe('the derivations of this test', () => {
  it('agree with the published numbers', () => {
    expect(TRAINED.lenet(1, 32)).toBe(61706);
    // He et al., table 6: 0.27 M and 0.46 M; counted exactly in public reimplementations with option A.
    expect(resnet(20, 3)).toBe(269722);
    expect(resnet(32, 3)).toBe(464154);
    // torchvision's vgg11 has 132,863,336 parameters, of which three dense layers hold these.
    expect(vgg11Convolutions(3)).toBe(132863336 - dense(25088, 4096) - dense(4096, 4096) - dense(4096, 1000));
    // Keras's MobileNet: 4,253,864 parameters, 21,888 of them batch-norm statistics, without its 1,000 classes.
    expect(mobilenetFeatures(3)).toBe(4253864 - 21888 - dense(1024, 1000));
    // torchvision's mobilenet_v2 and shufflenet_v2_x1_0, without their 1,000 classes.
    expect(mobilenetv2Features(3)).toBe(3504872 - dense(1280, 1000));
    expect(shufflenetv2Features(3)).toBe(2278604 - dense(1024, 1000));
    // The usual figure for DenseNet-BC, k = 12, L = 40 on CIFAR-10.
    expect(densenet(3)).toBe(176122);
  });
});

describe('buildModel', () => {
  it('has a derivation for each architecture', () => {
    expect(Object.keys(TRAINED).sort()).toEqual(architectureNames().sort());
  });

  it.each(architectureNames())('builds %s with the parameters that its definition has', (name) => {
    const few = { 'vgg-11': [COLORS], chargru: [TEXT], gpt: [TEXT] }[name];
    for (const options of few ?? [DIGITS, COLORS]) {
      const model = buildModel(name, options);
      expect(model.outputShape.at(-1)).toBe(options.classes);
      expect(countTrained(model)).toBe(TRAINED[name](options.inputShape[2], options.inputShape[0]));
      const statistics = model.weights.filter(({ originalName }) => /moving_(mean|variance)$/.test(originalName));
      const batchNorms = model.layers.filter((layer) => layer.getClassName() === 'BatchNormalization');
      expect(statistics).toHaveLength(2 * batchNorms.length);
      expect(model.weights).toHaveLength(model.trainableWeights.length + statistics.length);
      model.dispose();
    }
  });

  it.each(architectureNames())('gives %s the same names and weights each time, by seed', (name) => {
    const [first, again, other] = [1, 1, 2].map((seed) => {
      const model = buildModel(name, { ...inputsOf(name), seed, options: { width: 0.125 } });
      const names = model.weights.map((weight) => weight.originalName);
      const layers = model.layers.map((layer) => layer.name);
      const kernels = model.getWeights().filter((weight) => weight.rank > 1);
      const values = kernels.map((kernel) => createHash('sha256').update(kernel.dataSync()).digest('hex'));
      model.dispose();
      return { names, layers, values };
    });
    expect(new Set(first.names).size).toBe(first.names.length);
    expect(again).toEqual(first);
    expect(other.names).toEqual(first.names);
    first.values.forEach((hash, i) => {
      expect(other.values[i]).not.toBe(hash);
    });
  });

  it.each(architectureNames())('makes %s larger and smaller by its width', (name) => {
    const counts = [0.125, 0.25, 0.5].map((width) => {
      const model = buildModel(name, { ...inputsOf(name), options: { width } });
      const count = countTrained(model);
      model.dispose();
      return count;
    });
    expect(counts[1]).toBeGreaterThan(counts[0]);
    expect(counts[2]).toBeGreaterThan(counts[1]);
  });

  it('draws different values for layers of the same shape', () => {
    const model = buildModel('resnet-8', COLORS);
    const values = model.getWeights().filter((weight) => weight.rank === 4);
    const heads = values.map((weight) => weight.dataSync().slice(0, 8).join());
    expect(new Set(heads).size).toBe(heads.length);
    model.dispose();
  });

  it('gives probabilities', () => {
    const model = buildModel('lenet', DIGITS);
    const sums = tf.tidy(() => {
      const images = tf.randomUniform([3, 28, 28, 1], 0, 1, 'float32', 4);
      return tf.sum(model.predict(images) as tf.Tensor, -1).dataSync();
    });
    for (const sum of sums) expect(sum).toBeCloseTo(1, 5);
    model.dispose();
  });

  it('refuses what it cannot build', () => {
    expect(() => buildModel('lenin', DIGITS)).toThrow(UsageError);
    expect(() => buildModel('lenet', { ...DIGITS, options: { width: 0 } })).toThrow(UsageError);
    expect(() => buildModel('lenet', { ...DIGITS, options: { width: Number.NaN } })).toThrow(UsageError);
    expect(() => buildModel('lenet', { ...DIGITS, inputShape: [28] })).toThrow(MismatchError);
  });
});
