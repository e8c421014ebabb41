import '@tensorflow/tfjs-backend-cpu';
import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import { beforeAll, describe, expect, it } from 'vitest';
import { ChannelPad, ChannelShuffle, ChannelSlice } from '../../src/zoo/channelLayers.js';
import { Relu6 } from '../../src/zoo/relu6.js';

beforeAll(async () => {
  await tf.setBackend('cpu');
});

/** Two images of 2x2 with six channels, numbered 0 to 47. */
const numbered = () => tf.reshape(tf.range(0, 48), [2, 2, 2, 6]);

/** Output, and the gradient of the sum of its squares. */
function run(layer: tfl.layers.Layer, x: tf.Tensor): { y: tf.Tensor; dx: tf.Tensor } {
  return { y: layer.apply(x) as tf.Tensor, dx: tf.grad((x) => tf.sum(tf.square(layer.apply(x) as tf.Tensor)))(x) };
}

/** Values of channel c of every pixel, [8]. */
const channel = (x: tf.Tensor, c: number) => Array.from(tf.unstack(x, 3)[c].dataSync());

describe('channel layers', () => {
  it('slice takes the channels asked for, and the gradient goes back to them alone', () => {
    const x = numbered();
    const { y, dx } = run(new ChannelSlice({ begin: 2, size: 3 }), x);
    expect(y.shape).toEqual([2, 2, 2, 3]);
    for (let c = 0; c < 3; c++) expect(channel(y, c)).toEqual(channel(x, c + 2));
    for (const c of [0, 1, 5]) expect(channel(dx, c)).toEqual(new Array(8).fill(0));
    for (const c of [2, 3, 4]) expect(channel(dx, c)).toEqual(channel(x, c).map((value) => 2 * value));
  });

  it('shuffle deals out the groups in turn, and the gradient finds its way back', () => {
    const x = numbered();
    const { y, dx } = run(new ChannelShuffle({ groups: 2 }), x);
    [0, 3, 1, 4, 2, 5].forEach((from, to) => {
      expect(channel(y, to)).toEqual(channel(x, from));
    });
    expect(Array.from(dx.dataSync())).toEqual(Array.from(x.dataSync(), (value) => 2 * value));
  });

  it('pad adds zeros behind', () => {
    const x = numbered();
    const { y, dx } = run(new ChannelPad({ extra: 2 }), x);
    expect(y.shape).toEqual([2, 2, 2, 8]);
    for (let c = 0; c < 6; c++) expect(channel(y, c)).toEqual(channel(x, c));
    for (let c = 6; c < 8; c++) expect(channel(y, c)).toEqual(new Array(8).fill(0));
    expect(Array.from(dx.dataSync())).toEqual(Array.from(x.dataSync(), (value) => 2 * value));
  });

  it('relu6 clips at both ends and passes gradients between them', () => {
    const { y, dx } = run(new Relu6({}), tf.tensor1d([-3, -0, 0.5, 5.9, 6.1, 100]));
    const expected = [0, 0, 0.5, 5.9, 6, 6];
    y.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(expected[i], 6);
    });
    const gradient = [0, 0, 1, 11.8, 0, 0];
    dx.dataSync().forEach((value, i) => {
      expect(value).toBeCloseTo(gradient[i], 5);
    });
  });

  it('come back from a saved network', async () => {
    const layers = [
      new ChannelSlice({ name: 'slice', begin: 1, size: 4, inputShape: [2, 2, 6] }),
      new ChannelShuffle({ name: 'shuffle', groups: 2 }),
      new ChannelPad({ name: 'pad', extra: 3 }),
      new Relu6({ name: 'relu6' }),
    ];
    const model = tfl.sequential({ layers });
    let artifacts: tf.io.ModelArtifacts | undefined;
    await model.save({
      save: async (saved) => {
        artifacts = saved;
        return { modelArtifactsInfo: { dateSaved: new Date(0), modelTopologyType: 'JSON' } };
      },
    });
    const loaded = await tfl.loadLayersModel({ load: async () => JSON.parse(JSON.stringify(artifacts)) });
    expect(loaded.outputShape).toEqual([null, 2, 2, 7]);
    const x = numbered();
    const actual = (loaded.predict(x) as tf.Tensor).dataSync();
    expect(Array.from(actual)).toEqual(Array.from((model.predict(x) as tf.Tensor).dataSync()));
  });
});
