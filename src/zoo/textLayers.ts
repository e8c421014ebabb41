// Layers of language models at both ends: embeddings of characters and positions, and an output layer that uses the table of
// the characters again.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

type LayerConfig = NonNullable<ConstructorParameters<typeof tfl.layers.Layer>[0]>;

/** As in GPT-2 (Radford et al., 2019). */
export const GPT_DEVIATION = 0.02;

/** Options of the embeddings. */
export interface EmbeddingConfig extends LayerConfig {
  /** Numbers of a symbol or position. */
  units: number;
  /** Seed of the initial values, normal with deviation 0.02; from 1. */
  seed?: number;
}

abstract class Embedding extends tfl.layers.Layer {
  readonly units: number;
  readonly #seed: number | undefined;
  protected table!: tfl.LayerVariable;

  constructor(config: EmbeddingConfig) {
    super(config);
    this.units = config.units;
    this.#seed = config.seed;
  }

  protected addTable(rows: number): void {
    const initializer = tfl.initializers.randomNormal({ mean: 0, stddev: GPT_DEVIATION, seed: this.#seed });
    this.table = this.addWeight('embeddings', [rows, this.units], 'float32', initializer);
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), units: this.units };
  }
}

/**
 * Input: one-hot symbols [batch, steps, symbols]. Outputs: [batch, steps, units], and the table [symbols, units] itself,
 * which {@link TiedClasses} takes. Weight: embeddings [symbols, units].
 */
export class SymbolEmbedding extends Embedding {
  static className = 'WnnSymbolEmbedding';

  override build(inputShape: tfl.Shape): void {
    this.addTable(inputShape.at(-1) as number);
    super.build(inputShape);
  }

  override computeOutputShape(inputShape: tfl.Shape): tfl.Shape[] {
    return [
      [...inputShape.slice(0, -1), this.units],
      [inputShape.at(-1) as number, this.units],
    ];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor[] {
    return tf.tidy(() => {
      const table = this.table.read() as tf.Tensor2D;
      return [multiplyRows(Array.isArray(inputs) ? inputs[0] : inputs, table), tf.clone(table)];
    });
  }
}

/** Adds the embedding of each position: input and output [batch, steps, units]. Weight: embeddings [steps, units]. */
export class PositionEmbedding extends Embedding {
  static className = 'WnnPositionEmbedding';

  override build(inputShape: tfl.Shape): void {
    this.addTable(inputShape[1] as number);
    super.build(inputShape);
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => tf.add(Array.isArray(inputs) ? inputs[0] : inputs, this.table.read()));
  }
}

/** Class probabilities by the table of {@link SymbolEmbedding}: softmax(x tableT). Inputs: x [batch, steps, units], table. */
export class TiedClasses extends tfl.layers.Layer {
  static className = 'WnnTiedClasses';

  override computeOutputShape([x, table]: tfl.Shape[]): tfl.Shape {
    return [...x.slice(0, -1), table[0]];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    const [x, table] = inputs as [tf.Tensor, tf.Tensor2D];
    return tf.tidy(() => tf.softmax(multiplyRows(x, tf.transpose(table))));
  }
}

/** x [..., n] times matrix [n, m]. */
function multiplyRows(x: tf.Tensor, matrix: tf.Tensor2D): tf.Tensor {
  const [rows, columns] = matrix.shape;
  const product = tf.matMul(tf.reshape(x, [x.size / rows, rows]) as tf.Tensor2D, matrix);
  return tf.reshape(product, [...x.shape.slice(0, -1), columns]);
}

for (const layer of [SymbolEmbedding, PositionEmbedding, TiedClasses]) {
  tf.serialization.registerClass(layer as unknown as Parameters<typeof tf.serialization.registerClass>[0]);
}
