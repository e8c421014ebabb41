// Schedule-Free AdamW (Defazio et al., "The Road Less Scheduled", NeurIPS 2024): gradients are taken between a fast sequence and
// its running average, and the average is what is validated. It has no momentum besides.

import * as tf from '@tensorflow/tfjs-core';
import { adam } from './adam.js';
import type { EvaluatingOptimizer, OptimizerDefinition } from './definition.js';

type NamedGradients = Parameters<tf.Optimizer['applyGradients']>[0];

/** What the optimizer keeps of a variable. */
interface VariableState {
  /** The fast sequence. */
  z: tf.Tensor;
  /** Moving average of the squared gradient. */
  v: tf.Tensor;
}

const settings = { beta1: 0.9, beta2: 0.999, epsilon: 1e-8, weightDecay: 0 };
type Settings = typeof settings;

/**
 * With the learning rate γ_t of step t (from 1), the gradient g_t at y_t, and the weight decay λ:
 *
 *     v_t = β2 v_{t-1} + (1 - β2) g_t²
 *     u_t = g_t / (√(v_t / (1 - β2^t)) + ε) + λ y_t
 *     z_{t+1} = z_t - γ_t u_t
 *     x_{t+1} = (1 - c_t) x_t + c_t z_{t+1},   c_t = w_t / Σ_{i ≤ t} w_i,   w_t = max_{i ≤ t} γ_i²
 *     y_{t+1} = (1 - β1) z_{t+1} + β1 x_{t+1}
 *
 * The variables hold y; x = (y - (1 - β1) z) / β1 is not kept. Who replaces y, as a nowcast does, moves x with it. The square root
 * of the second moment is corrected as in the authors' optimizer; that of the experiments in the paper corrected γ_t instead,
 * which they found less stable. Warm-up is the learning rate's schedule.
 */
export class ScheduleFreeAdamW extends tf.Optimizer implements EvaluatingOptimizer {
  static get className(): string {
    return 'ScheduleFreeAdamW';
  }

  /** That of the next step; may be set before each. */
  learningRate: number;
  readonly #settings: Settings;
  readonly #states = new Map<string, VariableState>();
  #steps = 0;
  #largestRate = 0;
  #weightSum = 0;
  #evaluated: tf.Tensor[] = [];

  constructor(learningRate: number, settings: Settings) {
    super();
    this.learningRate = learningRate;
    this.#settings = settings;
  }

  override applyGradients(gradients: NamedGradients): void {
    const named = Array.isArray(gradients)
      ? gradients
      : Object.entries(gradients).map(([name, tensor]) => ({ name, tensor }));
    this.#steps++;
    this.#largestRate = Math.max(this.#largestRate, this.learningRate);
    const weight = this.#largestRate ** 2;
    this.#weightSum += weight;
    const share = this.#weightSum > 0 ? weight / this.#weightSum : 0;
    const variables = tf.engine().registeredVariables;
    for (const { name, tensor } of named) if (tensor != null) this.#step(variables[name], tensor, share);
    this.incrementIterations();
  }

  evaluationWeights(trained: readonly tf.Tensor[]): readonly tf.Tensor[] {
    const { beta1 } = this.#settings;
    tf.dispose(this.#evaluated);
    this.#evaluated = tf.tidy(() =>
      trained.map((y) => {
        const state = this.#states.get((y as Partial<tf.Variable>).name ?? '');
        return state === undefined ? tf.clone(y) : tf.add(y, tf.mul(tf.sub(y, state.z), 1 / beta1 - 1));
      }),
    );
    return this.#evaluated;
  }

  override dispose(): void {
    for (const { z, v } of this.#states.values()) tf.dispose([z, v]);
    tf.dispose(this.#evaluated);
    this.#states.clear();
  }

  override getConfig(): tf.serialization.ConfigDict {
    return { learningRate: this.learningRate, ...this.#settings };
  }

  #step(variable: tf.Variable, gradient: tf.Tensor, share: number): void {
    const { beta1, beta2, epsilon, weightDecay } = this.#settings;
    const before = this.#states.get(variable.name);
    const [y, z, v] = tf.tidy(() => {
      const oldZ = before?.z ?? variable;
      const squared = tf.mul(tf.square(gradient), 1 - beta2);
      const v = before === undefined ? squared : tf.add(tf.mul(before.v, beta2), squared);
      const root = tf.add(tf.sqrt(tf.div(v, 1 - beta2 ** this.#steps)), epsilon);
      let update = tf.div(gradient, root);
      if (weightDecay !== 0) update = tf.add(update, tf.mul(variable, weightDecay));
      const z = tf.sub(oldZ, tf.mul(update, this.learningRate));
      // (1 - β1) z_{t+1} + β1 x_{t+1}, with x_t put in terms of y_t and z_t.
      const pulled = tf.add(variable, tf.mul(tf.sub(oldZ, variable), share));
      const y = tf.sub(pulled, tf.mul(update, this.learningRate * (1 - beta1 * (1 - share))));
      return [y, z, v];
    });
    variable.assign(y as tf.Tensor<tf.Rank>);
    y.dispose();
    if (before !== undefined) tf.dispose([before.z, before.v]);
    // Kept by hand: a step may run inside a tidy of the caller's.
    this.#states.set(variable.name, { z: tf.keep(z), v: tf.keep(v) });
  }
}

export const scheduleFree: OptimizerDefinition<'schedule-free', Settings> = {
  name: 'schedule-free',
  settings,
  learningRates: adam.learningRates,
  usualLearningRate: 2.5e-3,
  make: (learningRate, chosen) => new ScheduleFreeAdamW(learningRate, chosen),
};
