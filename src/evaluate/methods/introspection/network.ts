// The network of "Introspection: Accelerating Neural Network Training by Learning Weight Evolution" (Sinha et al., ICLR
// 2017): a weight's values at four moments of its history in, its value at twice the time out. Plain loops: 241 parameters.

import { Random } from '../../../random.js';

/** Values of the history that the network sees: at t, 7t/10, 4t/10 and 0. */
export const HISTORY_FRACTIONS = [1, 0.7, 0.4, 0] as const;
const INPUTS = HISTORY_FRACTIONS.length;
const HIDDEN = 40;
/** Weights are multiplied by this before the network, and its outputs divided by it, as in the paper. */
const SCALE = 1000;

/** Length of the flat parameters: hidden kernel [4, 40], hidden bias, output kernel [40], output bias. */
export const INTROSPECTION_SIZE = INPUTS * HIDDEN + HIDDEN + HIDDEN + 1;
const HIDDEN_BIAS = INPUTS * HIDDEN;
const OUT_KERNEL = HIDDEN_BIAS + HIDDEN;
const OUT_BIAS = OUT_KERNEL + HIDDEN;

const BATCH = 256;
const LEARNING_RATE = 5e-4;

/** Samples of trajectories: histories [count, 4] as {@link HISTORY_FRACTIONS} orders them, and what came of them. */
export interface IntrospectionSamples {
  histories: Float32Array;
  /** Values at twice the time, [count]. */
  futures: Float32Array;
  count: number;
}

/** Options of {@link trainIntrospection}. */
export interface IntrospectionTraining {
  seed: number;
  steps: number;
  signal?: AbortSignal;
  onStep?: (step: number) => void;
}

/** Initial parameters: He's normal for the hidden layer, since relu follows; zero biases. */
export function initIntrospection(seed: number): Float64Array {
  const random = new Random(seed, 'introspection', 'start');
  const parameters = new Float64Array(INTROSPECTION_SIZE);
  for (let i = 0; i < HIDDEN_BIAS; i++) parameters[i] = Math.sqrt(2 / INPUTS) * random.normal();
  for (let i = OUT_KERNEL; i < OUT_BIAS; i++) parameters[i] = Math.sqrt(1 / HIDDEN) * random.normal();
  return parameters;
}

/**
 * Forecasts many weights.
 *
 * @param history values of all weights at the four moments, in the order of {@link HISTORY_FRACTIONS}.
 * @param out receives the forecasts; may be one of the history's arrays.
 */
export function forecastIntrospection(
  p: Float64Array | Float32Array,
  history: readonly Float32Array[],
  out: Float32Array,
): void {
  const [now, late, early, first] = history;
  for (let j = 0; j < out.length; j++) {
    const [a, b, c, d] = [SCALE * now[j], SCALE * late[j], SCALE * early[j], SCALE * first[j]];
    let output = p[OUT_BIAS];
    for (let h = 0; h < HIDDEN; h++) {
      const sum = p[HIDDEN_BIAS + h] + a * p[h] + b * p[HIDDEN + h] + c * p[2 * HIDDEN + h] + d * p[3 * HIDDEN + h];
      if (sum > 0) output += sum * p[OUT_KERNEL + h];
    }
    out[j] = output / SCALE;
  }
}

/**
 * Mean absolute error of some samples (in scaled units) and its gradient.
 *
 * @param chosen numbers of the samples.
 * @param gradients receives the gradient; overwritten.
 */
export function introspectionLoss(
  p: Float64Array,
  { histories, futures }: IntrospectionSamples,
  chosen: Uint32Array,
  gradients: Float64Array,
): number {
  gradients.fill(0);
  const active = new Float64Array(HIDDEN);
  let loss = 0;
  for (const i of chosen) {
    let output = p[OUT_BIAS];
    for (let h = 0; h < HIDDEN; h++) {
      let sum = p[HIDDEN_BIAS + h];
      for (let k = 0; k < INPUTS; k++) sum += SCALE * histories[i * INPUTS + k] * p[k * HIDDEN + h];
      active[h] = Math.max(sum, 0);
      output += active[h] * p[OUT_KERNEL + h];
    }
    const error = output - SCALE * futures[i];
    loss += Math.abs(error);
    const slope = Math.sign(error) / chosen.length;
    gradients[OUT_BIAS] += slope;
    for (let h = 0; h < HIDDEN; h++) {
      gradients[OUT_KERNEL + h] += slope * active[h];
      if (active[h] === 0) continue;
      const back = slope * p[OUT_KERNEL + h];
      gradients[HIDDEN_BIAS + h] += back;
      for (let k = 0; k < INPUTS; k++) gradients[k * HIDDEN + h] += back * SCALE * histories[i * INPUTS + k];
    }
  }
  return loss / chosen.length;
}

/**
 * Trains the network on samples: mean absolute error, Adam, batches of 256; the rate falls to zero by a cosine.
 *
 * @param steps optimizer steps.
 * @param signal stops it between steps.
 * @param onStep called from time to time, and after the last step, with the number of finished steps.
 */
export async function trainIntrospection(
  samples: IntrospectionSamples,
  { seed, steps, signal, onStep }: IntrospectionTraining,
): Promise<Float32Array> {
  const parameters = initIntrospection(seed);
  const random = new Random(seed, 'introspection', 'batches');
  const gradients = new Float64Array(INTROSPECTION_SIZE);
  const first = new Float64Array(INTROSPECTION_SIZE);
  const second = new Float64Array(INTROSPECTION_SIZE);
  const chosen = new Uint32Array(BATCH);
  for (let step = 1; step <= steps; step++) {
    for (let i = 0; i < BATCH; i++) chosen[i] = random.below(samples.count);
    introspectionLoss(parameters, samples, chosen, gradients);
    const rate = (LEARNING_RATE * (1 + Math.cos((Math.PI * step) / steps))) / 2;
    const correction = Math.sqrt(1 - 0.999 ** step) / (1 - 0.9 ** step);
    for (let i = 0; i < INTROSPECTION_SIZE; i++) {
      first[i] += 0.1 * (gradients[i] - first[i]);
      second[i] += 0.001 * (gradients[i] * gradients[i] - second[i]);
      parameters[i] -= (rate * correction * first[i]) / (Math.sqrt(second[i]) + 1e-8);
    }
    if (step % 200 === 0 || step === steps) {
      signal?.throwIfAborted();
      onStep?.(step);
      await new Promise((resume) => setImmediate(resume));
    }
  }
  return Float32Array.from(parameters);
}
