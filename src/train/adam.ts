// The optimizer: Adam on one flat array (Kingma and Ba, 2015, algorithm 1), with decoupled weight decay (Loshchilov and
// Hutter, 2019). Arithmetic is float64, stored state float32. Independent of networks.

/** Decay of the first moment's estimate. */
const BETA1 = 0.9;
/** Decay of the second moment's estimate. */
const BETA2 = 0.999;
/** Added to the root of the second moment, as in Keras. */
const EPSILON = 1e-7;

/** State of Adam between steps. */
export interface AdamState {
  /** Steps made. */
  steps: number;
  /** Running means of the gradient and of its square, each of the parameters' length. */
  first: Float32Array;
  second: Float32Array;
}

/** A range of indices, the end excluded. */
export type IndexRange = readonly [start: number, end: number];

/** The state before the first step. */
export function createAdamState(size: number): AdamState {
  return { steps: 0, first: new Float32Array(size), second: new Float32Array(size) };
}

/**
 * Makes one step in place.
 *
 * @param rate learning rate of this step.
 * @param decay fraction of `rate` by which the parameters in `decayed` shrink before the step; 0: none.
 */
export function stepAdam(
  parameters: Float32Array,
  gradients: Float32Array,
  state: AdamState,
  rate: number,
  decay: number,
  decayed: readonly IndexRange[],
): void {
  const { first, second } = state;
  state.steps++;
  const correction1 = 1 - BETA1 ** state.steps;
  const correction2 = 1 - BETA2 ** state.steps;
  if (decay > 0) {
    const keep = 1 - rate * decay;
    for (const [start, end] of decayed) for (let i = start; i < end; i++) parameters[i] *= keep;
  }
  for (let i = 0; i < parameters.length; i++) {
    const gradient = gradients[i];
    const m = BETA1 * first[i] + (1 - BETA1) * gradient;
    const v = BETA2 * second[i] + (1 - BETA2) * gradient * gradient;
    first[i] = m;
    second[i] = v;
    parameters[i] -= (rate * (m / correction1)) / (Math.sqrt(v / correction2) + EPSILON);
  }
}
