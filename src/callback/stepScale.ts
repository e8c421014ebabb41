// How far jumps go: a fixed step scale, one that the watch adapts, and its decrease towards the end of a training.

import { UsageError } from '../errors.js';
import { requireRecommendation } from '../nowcaster/recommendation.js';

/** A step scale that adapts: it grows while jumps gain more than the snapshots they take, and shrinks when they do not. */
export interface AdaptiveStepScale {
  /** The first one. Default: what the nowcaster recommends, else 1. */
  start?: number;
  /** Default: half of the first. */
  min?: number;
  /** Default: twice the first, at most 10. */
  max?: number;
}

/** The decrease of the step scale over the last part of a training whose length is known. */
export interface StepScaleDecay {
  /** Default `cosine`. */
  shape?: 'linear' | 'cosine';
  /** Last part of the training over which it decreases, above 0 and at most 1. Default 0.5. */
  over?: number;
  /** Factor on the step scale at the end, from 0 to 1. Default 0.1. */
  to?: number;
}

/** The range of a step scale; one value for a fixed one. */
export interface StepScaleRange {
  start: number;
  min: number;
  max: number;
}

/** The range that a user's choice means. @throws {@link UsageError} for an impossible one. */
export function stepScaleRange(
  choice: number | 'adaptive' | AdaptiveStepScale | undefined,
  recommended: number,
): StepScaleRange {
  const adaptive = choice === 'adaptive' ? {} : choice;
  if (typeof adaptive !== 'object') {
    const start = adaptive ?? recommended;
    requireRecommendation({ stepScale: start });
    return { start, min: start, max: start };
  }
  const { start = recommended } = adaptive;
  const { min = start / 2, max = Math.max(start, Math.min(10, 2 * start)) } = adaptive;
  for (const stepScale of [start, min, max]) requireRecommendation({ stepScale });
  if (min <= start && start <= max) return { start, min, max };
  throw new UsageError({
    what: 'an adaptive step scale begins between its bounds',
    where: `stepScale { start: ${start}, min: ${min}, max: ${max} }`,
    remedy: 'give min <= start <= max',
  });
}

/** Refuses an impossible decay. @throws {@link UsageError} */
export function requireDecay({ shape = 'cosine', over = 0.5, to = 0.1 }: StepScaleDecay): Required<StepScaleDecay> {
  const valid = (shape === 'linear' || shape === 'cosine') && over > 0 && over <= 1 && to >= 0 && to <= 1;
  if (valid) return { shape, over, to };
  throw new UsageError({
    what: 'not a decay of the step scale',
    where: `stepScaleDecay { shape: ${shape}, over: ${over}, to: ${to} }`,
    remedy: "give shape 'linear' or 'cosine', over above 0 and at most 1, to from 0 to 1",
  });
}

/**
 * Factor on the step scale.
 *
 * @param done part of the training that has ended, from 0 to 1.
 */
export function decayFactor({ shape, over, to }: Required<StepScaleDecay>, done: number): number {
  const part = Math.min(1, Math.max(0, (done - (1 - over)) / over));
  const fall = shape === 'linear' ? part : (1 - Math.cos(Math.PI * part)) / 2;
  return 1 - (1 - to) * fall;
}
