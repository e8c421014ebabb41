// Creates the layers of one network: with explicit names, so that they do not depend on earlier networks of the process,
// and with seeded initializers.

import * as tfl from '@tensorflow/tfjs-layers';
import { Random } from '../random.js';
import { BatchNorm } from './batchNorm.js';
import { Relu6 } from './relu6.js';

type Tensor = tfl.SymbolicTensor;

/** Options of a convolution. */
export interface ConvOptions {
  /** Height and width of the kernel. */
  kernel: number;
  /** Default 1. */
  stride?: number;
  /** Default `same`. */
  padding?: 'same' | 'valid';
  /** Default false, since a batch normalization usually follows, which has its own offset. */
  bias?: boolean;
  activation?: 'relu' | 'tanh';
}

/** Momentum of the moving statistics; Keras's 0.99 is too slow for the short runs here. */
const BATCH_NORM_MOMENTUM = 0.9;

/** The layers of one network. Names must be unique within it; underscores join their parts. */
export class LayerKit {
  /** Factor on the number of channels and hidden units. */
  readonly width: number;
  readonly #seed: number;

  /**
   * @param seed of all initial weights; each layer draws from a stream with its name.
   * @param width factor on the number of channels and hidden units.
   */
  constructor(seed: number, width: number) {
    this.#seed = seed;
    this.width = width;
  }

  /** Scales a number of channels or units by the width, rounded to a multiple of `multiple`, at least 1. */
  scale(channels: number, multiple = 1): number {
    return Math.max(multiple, Math.round((channels * this.width) / multiple) * multiple);
  }

  /** Seed of a layer's initializer, at least 1, since tfjs treats 0 as no seed. */
  seedOf(name: string): number {
    return 1 + (new Random(this.#seed, 'initial weights', name).uint32() >>> 1);
  }

  conv(x: Tensor, name: string, filters: number, options: ConvOptions): Tensor {
    const seed = this.seedOf(name);
    return apply(
      tfl.layers.conv2d({
        name,
        filters,
        kernelSize: options.kernel,
        strides: options.stride ?? 1,
        padding: options.padding ?? 'same',
        useBias: options.bias ?? false,
        activation: options.activation,
        kernelInitializer:
          options.activation === 'tanh'
            ? tfl.initializers.glorotUniform({ seed })
            : tfl.initializers.heNormal({ seed }),
      }),
      x,
    );
  }

  dense(x: Tensor, name: string, units: number, activation: 'relu' | 'tanh' | 'softmax'): Tensor {
    const seed = this.seedOf(name);
    return apply(
      tfl.layers.dense({
        name,
        units,
        activation,
        kernelInitializer:
          activation === 'relu' ? tfl.initializers.heNormal({ seed }) : tfl.initializers.glorotUniform({ seed }),
      }),
      x,
    );
  }

  /** A GRU over [steps, features] that returns sequences. */
  gru(x: Tensor, name: string, units: number): Tensor {
    const kernelInitializer = tfl.initializers.glorotUniform({ seed: this.seedOf(name) });
    const recurrentInitializer = tfl.initializers.glorotUniform({ seed: this.seedOf(`${name} recurrent`) });
    const shape = { units, returnSequences: true, recurrentActivation: 'sigmoid' } as const;
    return apply(tfl.layers.gru({ name, ...shape, kernelInitializer, recurrentInitializer }), x);
  }

  batchNorm(x: Tensor, name: string): Tensor {
    return apply(new BatchNorm({ name, momentum: BATCH_NORM_MOMENTUM, epsilon: 1e-3 }), x);
  }

  /** A 3x3 depthwise convolution without bias. */
  depthwise(x: Tensor, name: string, stride: number): Tensor {
    const depthwiseInitializer = tfl.initializers.heNormal({ seed: this.seedOf(name) });
    const shape = { kernelSize: 3, strides: stride, padding: 'same', useBias: false } as const;
    return apply(tfl.layers.depthwiseConv2d({ name, ...shape, depthwiseInitializer }), x);
  }

  relu(x: Tensor, name: string): Tensor {
    return apply(tfl.layers.activation({ name, activation: 'relu' }), x);
  }

  relu6(x: Tensor, name: string): Tensor {
    return apply(new Relu6({ name }), x);
  }

  add(x: Tensor[], name: string): Tensor {
    return apply(tfl.layers.add({ name }), x);
  }

  /** Concatenates along the channels. */
  concat(x: Tensor[], name: string): Tensor {
    return apply(tfl.layers.concatenate({ name, axis: -1 }), x);
  }

  maxPool(x: Tensor, name: string, padding: 'same' | 'valid' = 'valid'): Tensor {
    return apply(tfl.layers.maxPooling2d({ name, poolSize: 2, strides: 2, padding }), x);
  }

  averagePool(x: Tensor, name: string): Tensor {
    return apply(tfl.layers.averagePooling2d({ name, poolSize: 2, strides: 2 }), x);
  }

  globalAveragePool(x: Tensor, name: string): Tensor {
    return apply(tfl.layers.globalAveragePooling2d({ name, dataFormat: 'channelsLast' }), x);
  }

  flatten(x: Tensor, name: string): Tensor {
    return apply(tfl.layers.flatten({ name }), x);
  }
}

/** Applies a layer to one input. */
export function apply(layer: tfl.layers.Layer, x: Tensor | Tensor[]): Tensor {
  return layer.apply(x) as Tensor;
}
