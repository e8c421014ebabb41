// When to nowcast and how far to go: a user's choices, what the nowcaster recommends in their absence, and which are
// impossible.

import { UsageError } from '../errors.js';
import { requireRecommendation } from '../nowcaster/recommendation.js';
import {
  either,
  FLAG,
  FUNCTION,
  NUMBER,
  needed,
  type OptionTypes,
  objectOf,
  oneOf,
  requireOptions,
} from '../optionTypes.js';
import type { NoteListener } from '../progress.js';
import { EVERY_EPOCH, requireCadence, type SnapshotCadence } from '../trajectory/cadence.js';
import type { Forecaster } from './forecaster.js';
import type { Nowcast } from './nowcast.js';
import {
  type AdaptiveStepScale,
  requireDecay,
  type StepScaleDecay,
  type StepScaleRange,
  stepScaleRange,
} from './stepScale.js';

/**
 * A number of snapshots over the whole training, evenly spaced: one every `floor(steps / snapshots)` steps, at least every step. What a
 * nowcaster forecasts depends on how far a training moves from snapshot to snapshot, which its length decides more than its
 * epochs.
 */
export interface SnapshotCount {
  /** From 2. */
  snapshots: number;
}

/** When to nowcast and how far to go. */
export interface LoopOptions {
  /**
   * Snapshots from one nowcast to the next; nowcasts follow the snapshots s with (s + 1) mod period = 0, counting from 0.
   * Windows longer than the period span the nowcasts before. Default: what the nowcaster recommends (`wnn export
   * --period`), else the window's length, 5 for the paper's networks.
   */
  period?: number;
  /**
   * First snapshot (from 0) after which a nowcast may happen. Default: what the nowcaster recommends, the first whose
   * window lies in a part of the training such as it was trained on.
   */
  start?: number;
  /**
   * Step scale: multiplier on the predicted update; 1 lands on the forecast. Above 0, at most 10. `adaptive` or bounds: the
   * watch increases it while nowcasts help, and decreases it when they do not. Default: what the nowcaster recommends (`wnn
   * export --step-scale`), else 1.
   */
  stepScale?: number | 'adaptive' | AdaptiveStepScale;
  /** Decrease of the step scale over the last part of the training, whose length has to be known. Default: none. */
  stepScaleDecay?: StepScaleDecay;
  /**
   * When snapshots are taken: `{ unit, every }`, or `{ snapshots }`, the number over a training whose length in steps is known.
   * Default: as the nowcaster was trained, every epoch for the paper's networks.
   */
  cadence?: SnapshotCadence | SnapshotCount;
  /**
   * The watch: judges each nowcast by the training loss of the period that follows, rolls the training back when the nowcast did
   * not help, and makes pauses longer; see docs/watch.md. It begins when it sees losses: those of `fit`, or those given to
   * `step`. `budget`: the share of the training that nowcasts which did not help may cost, above 0 and below 1, default 0.1.
   * Default true; false: every nowcast is kept.
   */
  watch?: boolean | { budget?: number };
  /**
   * Epochs or steps of the whole training, whichever the cadence counts. Default: what `fit` says; unknown in loops of
   * one's own and with `continue`.
   */
  length?: number;
  /** Called after every nowcast, also after one that was skipped, and again when one is reverted. May be asynchronous. */
  onNowcast?: (nowcast: Nowcast) => void | Promise<void>;
  /** Receives, once a training, why nowcasts are skipped or cannot happen. Default: `console.warn`. */
  onNote?: NoteListener;
}

/** The types of {@link LoopOptions}. */
export const LOOP_OPTIONS: OptionTypes<LoopOptions> = {
  period: NUMBER,
  start: NUMBER,
  stepScale: either(NUMBER, oneOf('adaptive'), objectOf('start', 'min', 'max')),
  stepScaleDecay: objectOf('shape', 'over', 'to'),
  cadence: either(objectOf('unit', 'every'), objectOf('snapshots')),
  watch: either(FLAG, objectOf('budget')),
  length: NUMBER,
  onNowcast: FUNCTION,
  onNote: FUNCTION,
};

/** Choices made. */
export interface LoopSettings {
  period: number;
  start: number;
  stepScale: StepScaleRange;
  decay: Required<StepScaleDecay> | null;
  cadence: SnapshotCadence | SnapshotCount;
  /** Null: there is no watch. */
  budget: number | null;
  length: number | null;
}

/**
 * The settings of a loop.
 *
 * @throws {@link UsageError} when one is impossible.
 */
export function settleOptions(forecaster: Forecaster, options: LoopOptions): LoopSettings {
  const { recommended = {}, windowLength, averaged = 1 } = forecaster;
  const { watch = true, length } = options;
  if (typeof watch === 'object') requireOptions('watch', watch, { budget: NUMBER });
  if (options.stepScaleDecay !== undefined)
    requireOptions('stepScaleDecay', options.stepScaleDecay, {
      shape: oneOf('linear', 'cosine'),
      over: NUMBER,
      to: NUMBER,
    });
  if (typeof options.stepScale === 'object')
    requireOptions('stepScale', options.stepScale, { start: NUMBER, min: NUMBER, max: NUMBER });
  const period = options.period ?? recommended.period ?? windowLength * averaged;
  const start = options.start ?? recommended.start ?? 0;
  requireRecommendation({ period, start });
  const settings: LoopSettings = {
    period,
    start,
    stepScale: stepScaleRange(options.stepScale, recommended.stepScale ?? 1),
    decay: options.stepScaleDecay ? requireDecay(options.stepScaleDecay) : null,
    cadence: settleCadence(options.cadence ?? forecaster.cadence ?? EVERY_EPOCH),
    budget: watch === false ? null : requireBudget(watch === true ? undefined : watch.budget),
    length: length === undefined ? null : requireFrom('length', length, 1),
  };
  if (settings.budget === null && settings.stepScale.min < settings.stepScale.max)
    throw new UsageError({
      what: 'a step scale adapts by what the watch sees, and the watch is off',
      where: 'stepScale',
      remedy: 'leave out `watch: false`, or give a number',
    });
  if (period % averaged !== 0)
    throw new UsageError({
      what: `means of ${averaged} snapshots end at a nowcast when the period is a multiple of ${averaged}`,
      where: `period ${period}`,
      remedy: `give e.g. ${averaged * Math.ceil(period / averaged)}`,
    });
  return settings;
}

/** Whether a cadence is a number of snapshots over the training. */
export function isSnapshotCount(cadence: SnapshotCadence | SnapshotCount): cadence is SnapshotCount {
  return typeof cadence === 'object' && cadence !== null && 'snapshots' in cadence;
}

function settleCadence(cadence: SnapshotCadence | SnapshotCount): SnapshotCadence | SnapshotCount {
  if (!isSnapshotCount(cadence)) return requireCadence(cadence, 'cadence');
  requireOptions('cadence', cadence, { snapshots: needed(NUMBER) });
  return { snapshots: requireFrom('cadence.snapshots', cadence.snapshots, 2) };
}

/** Refuses what is no whole number from `least` on. @throws {@link UsageError} */
export function requireFrom(option: string, value: number, least: number): number {
  if (Number.isSafeInteger(value) && value >= least) return value;
  throw new UsageError({
    what: `${option} must be a whole number of at least ${least}`,
    where: `${option} ${value}`,
    remedy: `give ${least} or more`,
  });
}

/** The watch's budget. @throws {@link UsageError} for an impossible one. */
function requireBudget(budget = 0.1): number {
  if (budget > 0 && budget < 1) return budget;
  throw new UsageError({
    what: 'the budget of a watch is a share of the training, above 0 and below 1',
    where: `watch { budget: ${budget} }`,
    remedy: 'give e.g. 0.1',
  });
}
