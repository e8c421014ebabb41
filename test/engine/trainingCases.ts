// A few training steps of small models that together hold every layer the zoo and its users may train, on an engine and
// on the pure JavaScript backend: all weights must end alike.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import '@tensorflow/tfjs-backend-cpu';
import { describe, expect, it } from 'vitest';
import { type EngineName, openEngine } from '../../src/engine/engine.js';
import { randomValues } from './wasm/againstCpu.js';

const { layers } = tfl;
type Symbolic = tfl.SymbolicTensor;

/** Layers between an input of 8 x 8 images with 4 channels and a dense softmax of 3 classes. */
const IMAGE_NETWORKS: Record<string, (x: Symbolic) => Symbolic> = {
  'convolutions with strides, padding and bias': (x) => {
    const a = apply(layers.conv2d({ filters: 5, kernelSize: 3, padding: 'same', activation: 'relu' }), x);
    const b = apply(layers.conv2d({ filters: 6, kernelSize: 5, strides: 2, padding: 'same', activation: 'elu' }), a);
    return apply(layers.conv2d({ filters: 3, kernelSize: 1, activation: 'tanh' }), b);
  },
  'depthwise and separable convolutions, relu6': (x) => {
    const a = apply(layers.depthwiseConv2d({ kernelSize: 3, strides: 2, padding: 'same', depthMultiplier: 2 }), x);
    const b = apply(layers.reLU({ maxValue: 6 }), a);
    const c = apply(layers.separableConv2d({ filters: 5, kernelSize: 3, padding: 'same', activation: 'relu6' }), b);
    return apply(layers.depthwiseConv2d({ kernelSize: 3, padding: 'valid' }), c);
  },
  'batch normalization': (x) => {
    const a = apply(layers.batchNormalization({}), apply(layers.conv2d({ filters: 5, kernelSize: 3 }), x));
    const b = apply(layers.batchNormalization({ momentum: 0.9 }), apply(layers.reLU({}), a));
    return apply(layers.batchNormalization({ axis: -1, epsilon: 0.1 }), b);
  },
  'max pooling': (x) => {
    const a = apply(layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same' }), x);
    const b = apply(layers.maxPooling2d({ poolSize: 3, strides: 2, padding: 'same' }), a);
    return apply(layers.maxPooling2d({ poolSize: 2 }), b);
  },
  'average pooling': (x) => {
    const a = apply(layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same' }), x);
    const b = apply(layers.averagePooling2d({ poolSize: 3, strides: 2, padding: 'same' }), a);
    return apply(layers.averagePooling2d({ poolSize: 2 }), b);
  },
  'global pooling': (x) => {
    const a = apply(layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same' }), x);
    return join(apply(layers.globalAveragePooling2d({}), a), apply(layers.globalMaxPooling2d({}), a));
  },
  'residual sum, average and product': (x) => {
    const a = apply(layers.conv2d({ filters: 4, kernelSize: 3, padding: 'same' }), x);
    const sum = layers.add().apply([a, x]) as Symbolic;
    const product = layers.multiply().apply([sum, a]) as Symbolic;
    return layers.average().apply([product, layers.maximum().apply([a, x]) as Symbolic]) as Symbolic;
  },
  'dense block: concatenation': (x) => {
    const a = apply(layers.conv2d({ filters: 3, kernelSize: 3, padding: 'same' }), x);
    return apply(layers.conv2d({ filters: 3, kernelSize: 1 }), join(x, a));
  },
  'channel shuffle: reshape and permute': (x) => {
    const a = apply(layers.conv2d({ filters: 6, kernelSize: 1 }), x);
    const groups = apply(layers.reshape({ targetShape: [64, 2, 3] }), a);
    const shuffled = apply(layers.permute({ dims: [1, 3, 2] }), groups);
    const b = apply(layers.reshape({ targetShape: [8, 8, 6] }), shuffled);
    return apply(layers.depthwiseConv2d({ kernelSize: 3, strides: 2 }), b);
  },
  // Square and bilinear: the reference's own gradients of other resizings are wrong.
  'zero padding, cropping, upsampling': (x) => {
    const a = apply(layers.conv2d({ filters: 4, kernelSize: 3 }), apply(layers.zeroPadding2d({ padding: 2 }), x));
    const b = apply(
      layers.cropping2D({
        cropping: [
          [1, 2],
          [2, 1],
        ],
      }),
      a,
    );
    return apply(
      layers.conv2d({ filters: 2, kernelSize: 3 }),
      apply(layers.upSampling2d({ size: [2, 2], interpolation: 'bilinear' }), b),
    );
  },
  activations: (x) => {
    const names = ['relu', 'relu6', 'elu', 'selu', 'sigmoid', 'hardSigmoid', 'softplus', 'softsign', 'tanh', 'linear'];
    const all = [...names, 'swish', 'mish', 'gelu'].map((activation) =>
      apply(layers.conv2d({ filters: 2, kernelSize: 1, activation: activation as 'relu' }), x),
    );
    const leaky = apply(layers.leakyReLU({ alpha: 0.3 }), apply(layers.conv2d({ filters: 2, kernelSize: 1 }), x));
    const prelu = apply(layers.prelu({}), apply(layers.conv2d({ filters: 2, kernelSize: 1 }), x));
    return join(...all, leaky, prelu);
  },
  'transposed convolution': (x) =>
    apply(layers.conv2dTranspose({ filters: 3, kernelSize: 3, strides: 2, padding: 'same' }), x),
  'layer normalization': (x) => apply(layers.layerNormalization({}), apply(layers.dense({ units: 6 }), x)),
};

/** Layers between an input of 6 word indices below 9 and a dense softmax of 3 classes. */
const WORD_NETWORKS: Record<string, (x: Symbolic) => Symbolic> = {
  embedding: (x) => apply(layers.embedding({ inputDim: 9, outputDim: 4 }), x),
  'convolution over time': (x) => {
    const a = apply(layers.embedding({ inputDim: 9, outputDim: 4 }), x);
    const b = apply(layers.conv1d({ filters: 5, kernelSize: 3, padding: 'same', activation: 'relu' }), a);
    return apply(layers.globalMaxPooling1d({}), apply(layers.maxPooling1d({ poolSize: 2 }), b));
  },
  'gated recurrent units': (x) =>
    apply(
      layers.gru({ units: 5, recurrentInitializer: 'glorotUniform' }),
      apply(layers.embedding({ inputDim: 9, outputDim: 4 }), x),
    ),
  'long short-term memory': (x) =>
    apply(
      layers.lstm({ units: 5, recurrentInitializer: 'glorotUniform' }),
      apply(layers.embedding({ inputDim: 9, outputDim: 4 }), x),
    ),
  'time-distributed dense, bidirectional recurrence': (x) => {
    const a = apply(
      layers.timeDistributed({ layer: layers.dense({ units: 3 }) }),
      apply(layers.embedding({ inputDim: 9, outputDim: 4 }), x),
    );
    const cell = layers.simpleRNN({ units: 3, recurrentInitializer: 'glorotUniform' });
    return apply(layers.bidirectional({ layer: cell, mergeMode: 'concat' }), a);
  },
};

const OPTIMIZERS: Record<string, () => tf.Optimizer> = {
  SGD: () => tf.train.sgd(0.1),
  momentum: () => tf.train.momentum(0.1, 0.9),
  'Nesterov momentum': () => tf.train.momentum(0.1, 0.9, true),
  Adam: () => tf.train.adam(0.01),
  Adamax: () => tf.train.adamax(0.01),
  RMSprop: () => tf.train.rmsprop(0.01, 0.9, 0.5),
  Adagrad: () => tf.train.adagrad(0.1),
  Adadelta: () => tf.train.adadelta(0.1),
};

const LOSSES = ['sparseCategoricalCrossentropy', 'binaryCrossentropy', 'meanSquaredError', 'meanAbsoluteError'];

function apply(layer: tfl.layers.Layer | ReturnType<typeof layers.dense>, x: Symbolic): Symbolic {
  return layer.apply(x) as Symbolic;
}

function join(...parts: Symbolic[]): Symbolic {
  return layers.concatenate().apply(parts) as Symbolic;
}

interface Training {
  inputShape: number[];
  input: () => tf.Tensor;
  network: (x: Symbolic) => Symbolic;
  optimizer: () => tf.Optimizer;
  loss: string;
  steps: number;
}

/** Losses of each step and all weights at the end, computed on the backend in use. */
async function train({ inputShape, input, network, optimizer, loss, steps }: Training): Promise<Float32Array[]> {
  const x = tfl.input({ shape: inputShape });
  const body = network(x);
  const flat = body.shape.length > 2 ? apply(layers.flatten(), body) : body;
  const model = tfl.model({ inputs: x, outputs: apply(layers.dense({ units: 3, activation: 'softmax' }), flat) });
  model.setWeights(
    model.getWeights().map((weight, i) => {
      const variance = model.weights[i]!.name.includes('variance') ? 1 : 0;
      return tf.tensor(
        randomValues(i, weight.shape).map((value) => 0.4 * value + variance),
        weight.shape,
      );
    }),
  );
  model.compile({ optimizer: optimizer(), loss });
  const classes = tf.tensor1d([0, 2, 1, 2], 'int32');
  const labels = loss === 'sparseCategoricalCrossentropy' ? tf.cast(classes, 'float32') : tf.oneHot(classes, 3);
  const losses: number[] = [];
  for (let step = 0; step < steps; step++) losses.push((await model.trainOnBatch(input(), labels)) as number);
  const weights: Float32Array[] = [];
  for (const weight of model.getWeights()) weights.push(Float32Array.from(await weight.data()));
  model.dispose();
  return [Float32Array.from(losses), ...weights];
}

async function expectSameTraining(
  engine: EngineName,
  training: Partial<Training> & Pick<Training, 'network'>,
  tolerance = 2e-5,
) {
  const full: Training = {
    inputShape: [8, 8, 4],
    input: () => tf.tensor(randomValues(99, [4, 8, 8, 4]), [4, 8, 8, 4]),
    optimizer: () => tf.train.sgd(0.2),
    loss: 'categoricalCrossentropy',
    steps: 2,
    ...training,
  };
  await openEngine(engine);
  const onEngine = await train(full);
  await tf.setBackend('cpu');
  const onCpu = await train(full);
  for (const [index, expected] of onCpu.entries()) {
    const worst = expected.reduce((far, value, i) => Math.max(far, Math.abs(value - onEngine[index]![i]!)), 0);
    expect(expected.every(Number.isFinite)).toBe(true);
    expect(worst, index === 0 ? 'losses' : `weights ${index - 1}`).toBeLessThan(tolerance);
  }
}

/** Tests of one engine: of all cases, or of those whose names match, for an engine that starts slowly. */
export function describeTraining(engine: EngineName, tolerance = 2e-5, cases = /./): void {
  describe(`training on ${engine} ends where it does on cpu`, () => {
    it.each(Object.entries(IMAGE_NETWORKS).filter(([name]) => cases.test(name)))('%s', async (_, network) => {
      await expectSameTraining(engine, { network }, tolerance);
    });

    it.each(Object.entries(WORD_NETWORKS).filter(([name]) => cases.test(name)))('%s', async (_, network) => {
      const input = () => tf.tensor2d([3, 1, 4, 1, 5, 8, 2, 6, 5, 3, 5, 8, 0, 7, 1, 3, 2, 3, 8, 4, 6, 2, 6, 4], [4, 6]);
      await expectSameTraining(engine, { network, input, inputShape: [6] }, tolerance);
    });

    it.each(Object.entries(OPTIMIZERS).filter(([name]) => cases.test(name)))('%s', async (_, optimizer) => {
      const network = (x: Symbolic) => apply(layers.conv2d({ filters: 3, kernelSize: 3, activation: 'relu' }), x);
      await expectSameTraining(engine, { network, optimizer, steps: 3 }, 5 * tolerance);
    });

    it.each(LOSSES.filter((name) => cases.test(name)))('loss %s', async (loss) => {
      await expectSameTraining(
        engine,
        { network: (x) => apply(layers.conv2d({ filters: 3, kernelSize: 3 }), x), loss },
        tolerance,
      );
    });
  });
}
