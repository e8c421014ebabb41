// Changes to the gradient of the data loss before the optimizer step: L1 penalties and gradient clipping.

import type { Network } from '../network/network.js';

/** Weights of the L1 penalties of penalized layers. */
export interface PenaltySettings {
  kernelPenalty: number;
  biasPenalty: number;
}

/**
 * Adds the gradient of the L1 penalties, sign(p) times the weight (0 at 0), to `gradients`.
 *
 * @returns the penalty: the weighted sum of absolute values.
 */
export function addPenalties(
  network: Network,
  parameters: Float32Array,
  gradients: Float32Array,
  { kernelPenalty, biasPenalty }: PenaltySettings,
): number {
  let penalty = 0;
  const add = (start: number, end: number, weight: number) => {
    if (weight === 0) return;
    let sum = 0;
    for (let i = start; i < end; i++) {
      sum += Math.abs(parameters[i]);
      gradients[i] += weight * Math.sign(parameters[i]);
    }
    penalty += weight * sum;
  };
  for (const { operation, kernel, bias, units } of network.layers) {
    if (!operation.penalized) continue;
    add(kernel, bias, kernelPenalty);
    add(bias, bias + units, biasPenalty);
  }
  return penalty;
}

/** The L2 norm of a gradient; not finite if an element is not. */
export function normOfGradient(gradients: Float32Array): number {
  let sum = 0;
  for (let i = 0; i < gradients.length; i++) sum += gradients[i] * gradients[i];
  return Math.sqrt(sum);
}

/** Scales a gradient of norm `norm` down to norm `limit` if it is larger. */
export function clipGradient(gradients: Float32Array, norm: number, limit: number): void {
  if (!(norm > limit)) return;
  const factor = limit / norm;
  for (let i = 0; i < gradients.length; i++) gradients[i] *= factor;
}
