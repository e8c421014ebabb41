// Lookahead (Zhang et al., 2019): every k steps the trained weights return to slow ones that went a part of the way after them.

import * as tf from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type { Method } from '../../evaluation/schema.js';
import type { MethodDefinition } from './definition.js';
import { numberSetting } from './setting.js';

/** Settings of the method. */
interface LookaheadSettings {
  k: number;
  alpha: number;
}

/**
 * Every k steps: slow += alpha * (fast - slow), fast = slow. The state of the inner optimizer goes on. The slow weights are those
 * to validate, as in the paper.
 */
export class LookaheadCallback extends tfl.Callback {
  #slow: tf.Tensor[] = [];
  #steps = 0;

  constructor(readonly settings: LookaheadSettings) {
    super();
  }

  override async onTrainBegin(): Promise<void> {
    this.dispose();
    this.#slow = this.model.trainableWeights.map((variable) => tf.clone(variable.read()));
  }

  override async onBatchEnd(): Promise<void> {
    const { k, alpha } = this.settings;
    if (++this.#steps % k !== 0) return;
    const before = this.#slow;
    const variables = this.model.trainableWeights;
    this.#slow = tf.tidy(() =>
      variables.map((variable, i) => tf.add(before[i], tf.mul(tf.sub(variable.read(), before[i]), alpha))),
    );
    tf.dispose(before);
    for (const [i, variable] of variables.entries()) variable.write(this.#slow[i]);
  }

  /** The weights to validate, in the order of `model.getWeights()`. Those that are not trained are as the training left them. */
  weights(): tf.Tensor[] {
    const slow = new Map(this.model.trainableWeights.map((variable, i) => [variable.id, this.#slow[i]]));
    return this.model.weights.map((variable) => slow.get(variable.id) ?? variable.read());
  }

  dispose(): void {
    tf.dispose(this.#slow);
    this.#slow = [];
    this.#steps = 0;
  }
}

export const lookahead: MethodDefinition<Method, LookaheadSettings> = {
  type: 'lookahead',
  settings: {
    k: numberSetting('steps from one synchronization to the next', { from: 1, to: 1000, whole: true, default: 5 }),
    alpha: numberSetting('part of the way that the slow weights go', { above: 0, to: 1, default: 0.5 }),
  },
  validatesOwn: true,
  describe: () => ({
    sentence: 'the evaluation’s optimizer with Lookahead, validated at the slow weights',
    command: 'lookahead',
  }),
  train(settings) {
    const callback = new LookaheadCallback(settings);
    return {
      callback,
      validationWeights: async () => callback.weights(),
      dispose: async () => callback.dispose(),
    };
  },
};
