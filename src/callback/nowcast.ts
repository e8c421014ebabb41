// One nowcast: what became of it, and the putting of forecasts in the weights' place, with the guard that may shorten or
// undo it.

import type * as tfl from '@tensorflow/tfjs-layers';
import type { TrainedKind } from '../nowcaster/spec.js';
import { type GuardBatch, measureGuardLoss } from './guard.js';
import type { TrackedTensors } from './trackedTensors.js';

/** Shares of the way that the guard tries, one after another, until one does not raise the loss. */
const GUARD_SHARES = [1, 1 / 2, 1 / 4, 1 / 8];

/** What became of one nowcast. */
export interface Nowcast {
  /** Epoch (from 0) at whose end it happened. */
  epoch: number;
  /** `kept`: the weights were replaced; `undone`: by the guard; `skipped`: nothing was replaced. */
  outcome: 'kept' | 'undone' | 'skipped';
  /** Share of the scaled update that was applied: 1, less with a guard, 0 unless kept. */
  share: number;
  /** Why it was undone or skipped; null when kept. */
  reason: string | null;
  /** Values replaced (or to be replaced), by kind. */
  scalars: Record<TrainedKind, number>;
  /** Wall-clock seconds that reading, forecasting and writing took, without the guard. */
  seconds: number;
  /** Loss on the guard's batch before, and after the share that was kept or, undone, the last one tried; null without a guard or when skipped. */
  lossBefore: number | null;
  lossAfter: number | null;
}

/** Whether no value is NaN or infinite. */
export function allFinite(values: Float32Array): boolean {
  for (let i = 0; i < values.length; i++) if (!Number.isFinite(values[i])) return false;
  return true;
}

/** A skipped nowcast. */
export function skippedNowcast(facts: Pick<Nowcast, 'epoch' | 'reason' | 'scalars' | 'seconds'>): Nowcast {
  return { ...facts, outcome: 'skipped', share: 0, lossBefore: null, lossAfter: null };
}

/**
 * Replaces a model's weights by forecasts. With a guard: goes all the way, or half, a quarter, an eighth of it, the first
 * of these that does not raise the loss on the guard's batch; else leaves the weights as they were.
 *
 * @param weights flat arrays as `tracked` reads them: the current ones, and the finite ones to put in their place, which
 * may be overwritten.
 * @returns what became of it, and the seconds that the guard took.
 */
export async function applyForecast(
  model: tfl.LayersModel,
  tracked: TrackedTensors,
  { current, forecasts }: { current: Float32Array; forecasts: Float32Array },
  guard: GuardBatch | undefined,
): Promise<Omit<Nowcast, 'epoch' | 'scalars' | 'seconds'> & { guardSeconds: number }> {
  if (guard === undefined) {
    tracked.write(forecasts);
    return { outcome: 'kept', share: 1, reason: null, lossBefore: null, lossAfter: null, guardSeconds: 0 };
  }
  const started = performance.now();
  const secondsTaken = () => (performance.now() - started) / 1000;
  const lossBefore = await measureGuardLoss(model, guard);
  let lossAfter = lossBefore;
  for (const share of GUARD_SHARES) {
    // Each share is half of the one before.
    if (share < 1)
      for (let i = 0; i < forecasts.length; i++) forecasts[i] = current[i] + (forecasts[i] - current[i]) / 2;
    tracked.write(forecasts);
    lossAfter = await measureGuardLoss(model, guard);
    if (lossAfter <= lossBefore)
      return { outcome: 'kept', share, reason: null, lossBefore, lossAfter, guardSeconds: secondsTaken() };
  }
  tracked.write(current);
  const reason = `even an eighth of the way raised the loss on the guard's batch from ${lossBefore} to ${lossAfter}`;
  return { outcome: 'undone', share: 0, reason, lossBefore, lossAfter, guardSeconds: secondsTaken() };
}
