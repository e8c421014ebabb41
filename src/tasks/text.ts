// A text in memory, divided into passages of equal length: the network predicts the next character at each step.

import * as tf from '@tensorflow/tfjs-core';
import type { Batch, Examples } from './taskData.js';

/** Passages of one text. Passage i begins at character i * steps. */
export class TextExamples implements Examples {
  readonly augmentable = false;
  readonly #passages: Uint32Array;

  /**
   * @param codes the text as character codes below `symbols`.
   * @param steps characters per passage.
   * @param symbols number of different characters.
   * @param passages indices of the passages. Default: all that have a character after them.
   */
  constructor(
    readonly codes: Uint8Array,
    readonly steps: number,
    readonly symbols: number,
    passages?: Uint32Array,
  ) {
    const whole = Math.max(0, Math.floor((codes.length - 1) / steps));
    this.#passages = passages ?? Uint32Array.from({ length: whole }, (_, i) => i);
  }

  get count(): number {
    return this.#passages.length;
  }

  subset(indices: Uint32Array): TextExamples {
    const passages = indices.map((index) => this.#passages[index]);
    return new TextExamples(this.codes, this.steps, this.symbols, passages);
  }

  /** xs [n, steps, symbols], one-hot; ys [n, steps, 1], the character after each. */
  takeBatch(indices: Uint32Array): Batch {
    const { codes, steps, symbols } = this;
    const xs = new Float32Array(indices.length * steps * symbols);
    const ys = new Float32Array(indices.length * steps);
    for (let i = 0; i < indices.length; i++) {
      const from = this.#passages[indices[i]] * steps;
      for (let step = 0; step < steps; step++) {
        xs[(i * steps + step) * symbols + codes[from + step]] = 1;
        ys[i * steps + step] = codes[from + step + 1];
      }
    }
    return {
      xs: tf.tensor3d(xs, [indices.length, steps, symbols]),
      ys: tf.tensor3d(ys, [indices.length, steps, 1]),
    };
  }
}

/**
 * Splits a text by position: of every ten stretches of `length` passages the tenth is for validation. Both parts are then of
 * one style, which the end of a long text need not be.
 */
export function splitStretches(text: TextExamples, length: number): { train: TextExamples; validation: TextExamples } {
  const indices = Uint32Array.from({ length: text.count }, (_, i) => i);
  const isValidation = (passage: number) => Math.floor(passage / length) % 10 === 9;
  return {
    train: text.subset(indices.filter((passage) => !isValidation(passage))),
    validation: text.subset(indices.filter(isValidation)),
  };
}
