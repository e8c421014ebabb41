// The trials of tuning: every method gets the same number on every task.

import { UsageError } from '../../errors.js';
import type { Method } from '../../evaluation/schema.js';
import type { CommonSettings } from '../methods/commonSettings.js';
import { changeSettings, findMethod, optimizerOf, usualLearningRateOf } from '../methods/registry.js';
import { type MethodSetting, type PlannedTask, planTask, type SharedSettings, type TaskSpec } from '../plan.js';
import { learningRates } from './grid.js';

/** The part of a nowcaster's step scale that is tried beside all of it when step scales are tuned. */
const SMALLER_STEP = 0.5;

/** How much is tried. */
export interface TuningChoice {
  /** Settings for each method on each task, at least 1. */
  trials: number;
  /** Seeds of each trial; none of them may be reported. */
  seeds: readonly number[];
  /** Whether a nowcaster's trials are spread over step scales too. */
  stepScale: boolean;
}

/** A method as it is trained untuned on a task. */
export function untuned({ settings }: TaskSpec, method: Method): MethodSetting {
  return { method, optimizer: optimizerOf(method, settings.optimizer), stepScale: null };
}

/** The same method with a part of its step scale; null for methods without one. */
function scaled(method: Method, factor: number): Method | null {
  const stepScale = findMethod(method.type).stepScaleOf?.(method) ?? null;
  return stepScale === null ? null : changeSettings(method, { stepScale: factor * stepScale });
}

/**
 * The learning rate that is in the middle of those tried: that of the task for its own optimizer, and the usual one for another.
 */
function centerOf({ settings }: TaskSpec, { method, optimizer }: MethodSetting): number {
  if (optimizer.name === settings.optimizer.name) return settings.optimizer.learningRate as number;
  return usualLearningRateOf(method, settings.optimizer);
}

/**
 * The settings that are tried for a method: learning rates around that of its optimizer. With step scales, half of the trials
 * of a nowcaster, rounded up, keep its step scale, and the others halve it. A learning rate that was given with the method stays.
 */
function settingsOf(spec: TaskSpec, method: Method, { trials, stepScale }: TuningChoice): MethodSetting[] {
  const base = untuned(spec, method);
  if ((method as CommonSettings).learningRate !== undefined) return [base];
  const around = (count: number, tried: Method, factor: number | null): MethodSetting[] => {
    const rates = learningRates(centerOf(spec, base), count);
    return rates.map((learningRate) => {
      return { method: tried, optimizer: { ...base.optimizer, learningRate }, stepScale: factor };
    });
  };
  const smaller = stepScale ? scaled(method, SMALLER_STEP) : null;
  if (smaller === null) return around(trials, method, null);
  const kept = Math.ceil(trials / 2);
  return [...around(kept, method, 1), ...around(trials - kept, smaller, SMALLER_STEP)];
}

/**
 * Plans the trials of all methods on one task.
 *
 * @param methods the baseline first.
 * @throws {@link UsageError} for an impossible number of trials.
 */
export function planTrials(
  spec: TaskSpec,
  methods: readonly Method[],
  choice: TuningChoice,
  shared: SharedSettings,
): PlannedTask {
  if (!Number.isSafeInteger(choice.trials) || choice.trials < 1)
    throw new UsageError({
      what: 'not a number of trials',
      where: `tune ${choice.trials}`,
      remedy: 'give a whole number from 1, e.g. 3',
    });
  const settings = methods.flatMap((method) => settingsOf(spec, method, choice));
  return planTask(spec, settings, choice.seeds, { ...shared, alone: false });
}
