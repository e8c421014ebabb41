// Channel layers that tfjs-layers lacks: slice, shuffle and zero padding. They have no weights. Their class names are
// registered with tfjs, so that saved networks can be loaded.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';

type LayerConfig = ConstructorParameters<typeof tfl.layers.Layer>[0];
type Shape = (number | null)[];

/** A layer that changes only the channels. */
abstract class ChannelLayer extends tfl.layers.Layer {
  protected abstract transform(x: tf.Tensor4D): tf.Tensor;
  protected abstract countChannels(channels: number): number;

  override computeOutputShape(inputShape: Shape): Shape {
    return [...inputShape.slice(0, -1), this.countChannels(inputShape.at(-1) as number)];
  }

  override call(inputs: tf.Tensor | tf.Tensor[]): tf.Tensor {
    return tf.tidy(() => this.transform((Array.isArray(inputs) ? inputs[0] : inputs) as tf.Tensor4D));
  }
}

/** Takes `size` channels from number `begin` on. */
export class ChannelSlice extends ChannelLayer {
  static className = 'WnnChannelSlice';
  readonly begin: number;
  readonly size: number;

  constructor(config: LayerConfig & { begin: number; size: number }) {
    super(config);
    this.begin = config.begin;
    this.size = config.size;
  }
  protected override transform(x: tf.Tensor4D): tf.Tensor {
    return tf.slice(x, [0, 0, 0, this.begin], [-1, -1, -1, this.size]);
  }
  protected override countChannels(): number {
    return this.size;
  }
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), begin: this.begin, size: this.size };
  }
}

/** Interleaves the channels of `groups` equal groups. */
export class ChannelShuffle extends ChannelLayer {
  static className = 'WnnChannelShuffle';
  readonly groups: number;

  constructor(config: LayerConfig & { groups: number }) {
    super(config);
    this.groups = config.groups;
  }
  protected override transform(x: tf.Tensor4D): tf.Tensor {
    const [batch, height, width, channels] = x.shape;
    const pixels = batch * height * width;
    const grouped = tf.reshape(x, [pixels, this.groups, channels / this.groups]);
    return tf.reshape(tf.transpose(grouped, [0, 2, 1]), x.shape);
  }
  protected override countChannels(channels: number): number {
    return channels;
  }
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), groups: this.groups };
  }
}

/** Appends channels of zeros. */
export class ChannelPad extends ChannelLayer {
  static className = 'WnnChannelPad';
  readonly extra: number;

  constructor(config: LayerConfig & { extra: number }) {
    super(config);
    this.extra = config.extra;
  }
  protected override transform(x: tf.Tensor4D): tf.Tensor {
    return tf.pad4d(x, [
      [0, 0],
      [0, 0],
      [0, 0],
      [0, this.extra],
    ]);
  }
  protected override countChannels(channels: number): number {
    return channels + this.extra;
  }
  override getConfig(): tf.serialization.ConfigDict {
    return { ...super.getConfig(), extra: this.extra };
  }
}

for (const layer of [ChannelSlice, ChannelShuffle, ChannelPad]) {
  tf.serialization.registerClass(layer as Parameters<typeof tf.serialization.registerClass>[0]);
}
